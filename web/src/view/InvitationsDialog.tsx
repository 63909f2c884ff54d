// Invitations to the server: makes a link, and shows who used those that there are.

import { useEffect, useState } from 'preact/hooks';

import { formatBrief, formatList, t } from '../locales';
import type { Invitation, Outcome, Problem } from '../store/model';
import { useStore } from './context';
import { CopyField } from './CopyField';
import { Dialog } from './Dialog';
import { closeDialog } from './FormDialog';
import { inviteLink } from './invite';
import { problemText } from './problem';
import { TextField } from './TextField';
import { useTell } from './useTell';

export function InvitationsDialog() {
  const [made, setMade] = useState<string | null>(null);
  return (
    <Dialog title={t('invitations.title')} onClose={closeDialog} size="wide">
      <p>{t('invitations.text')}</p>
      {made === null ? (
        <MakeLink onMade={setMade} />
      ) : (
        <Made address={inviteLink(made)} onMore={() => setMade(null)} />
      )}
      <h3>{t('invitations.list')}</h3>
      <List key={made} />
    </Dialog>
  );
}

function MakeLink({ onMade }: { readonly onMade: (code: string) => void }) {
  const store = useStore();
  const [problem, setProblem] = useState<Problem | null>(null);
  const make = async (typed: string) => {
    const rooms = typed
      .toLowerCase()
      .split(/[\s,#]+/)
      .filter(Boolean);
    const outcome = await store.actions.makeInvitation(rooms);
    if (outcome.ok) onMade(outcome.value);
    else setProblem(outcome.problem);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const rooms = new FormData(event.currentTarget).get('rooms');
        void make(typeof rooms === 'string' ? rooms : '');
      }}
    >
      <TextField
        label={t('invitations.rooms')}
        name="rooms"
        hint={t('invitations.rooms-hint')}
        wrong={problem && problemText(problem)}
        autofocus
      />
      <div class="dialog-row">
        <button type="submit" class="button">
          {t('invitations.make')}
        </button>
      </div>
    </form>
  );
}

interface MadeProps {
  readonly address: string;
  readonly onMore: () => void;
}

function Made({ address, onMore }: MadeProps) {
  return (
    <div class="once">
      <p>{t('invitations.made')}</p>
      <CopyField label={t('invitations.link')} text={address} button={t('invitations.copy')} first />
      <div class="dialog-row">
        <button type="button" class="button quiet" onClick={onMore}>
          {t('invitations.more')}
        </button>
      </div>
    </div>
  );
}

function List() {
  const store = useStore();
  const tell = useTell();
  const [all, setAll] = useState<Outcome<readonly Invitation[]> | null>(null);
  const load = () => void store.actions.listInvitations().then(setAll);
  useEffect(load, []);
  if (!all) return <p class="note">{t('sessions.loading')}</p>;
  if (!all.ok) return <p class="wrong">{problemText(all.problem)}</p>;
  if (all.value.length === 0) return <p>{t('sessions.none')}</p>;
  const end = async (id: string) => {
    await tell(store.actions.endInvitation(id));
    load();
  };
  return (
    <ul class="table">
      {all.value.map((each) => (
        <li key={each.id}>
          <div class="grow">
            <b>
              {each.used.length === 0
                ? t('invitations.unused', { by: each.by })
                : t('invitations.used', { by: each.by, users: formatList(each.used) })}
            </b>
            <span class="note">
              {t('invitations.until', { time: formatBrief(new Date(each.expires)) })}
              {each.rooms.length > 0 && `, ${formatList(each.rooms.map((room) => `#${room}`))}`}
            </span>
          </div>
          {each.used.length < each.uses && each.expires > Date.now() && (
            <button type="button" class="button quiet danger" onClick={() => void end(each.id)}>
              {t('sessions.revoke')}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
