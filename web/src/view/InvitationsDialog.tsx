// Invitations to the server: makes a link, and shows who used those that there are.

import { useEffect, useState } from 'preact/hooks';

import { formatBrief, formatList, t } from '../locales';
import type { Invitation, Outcome, Problem } from '../store/model';
import { useStore } from './context';
import { Dialog } from './Dialog';
import { closeDialog } from './FormDialog';
import { inviteLink } from './invite';
import { problemText } from './problem';
import { TextField } from './TextField';
import { say, useTell } from './useTell';

export function InvitationsDialog() {
  const [made, setMade] = useState<string | null>(null);
  return (
    <Dialog title={t('invitations.title')} onClose={closeDialog} size="wide">
      <p>{t('invitations.text')}</p>
      {made === null ? <MakeLink onMade={setMade} /> : <Link address={inviteLink(made)} />}
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

function Link({ address }: { readonly address: string }) {
  const copy = async () => {
    await navigator.clipboard.writeText(address);
    say({ problem: null, text: t('copied') });
  };
  return (
    <div class="field" role="status">
      <p>{t('invitations.made')}</p>
      <input class="input" readOnly aria-label={t('invitations.link')} value={address} />
      <div class="dialog-row">
        <button type="button" class="button" data-first onClick={() => void copy()}>
          {t('invitations.copy')}
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
