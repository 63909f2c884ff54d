// The page in front of the chat: log in, or make an account. Errors stand at the field that they are about.

import { useEffect, useState } from 'preact/hooks';

import { formatList, t } from '../locales';
import { targetOf } from '../protocol/target';
import type { Problem } from '../store/model';
import { useStore } from './context';
import { inviteOf } from './invite';
import { LanguageLine } from './LanguageLine';
import { Mark } from './Mark';
import { LONGEST_USER, NAME_PATTERN } from './names';
import { PasswordField } from './PasswordField';
import { doorText, loadDoorText } from './reason';
import { hrefOf } from './route';
import { TextField } from './TextField';

/** Problems that the name causes; those of the password; all others stand above the fields. */
const OF_NAME = new Set(['bad-name', 'name-taken', 'name-reserved']);
const OF_PASSWORD = new Set(['bad-credentials', 'password-too-short', 'password-too-long']);

/** `ended` tells why a session is over, if the user did not end it. */
export function Door({ ended }: { readonly ended: Problem | null }) {
  const store = useStore();
  const invite = inviteOf(location.hash);
  const [making, setMaking] = useState(invite !== null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    if (ended) void loadDoorText(ended).then(() => setProblem(ended));
  }, [ended]);
  const rooms = useRooms(invite);
  const turn = () => {
    setMaking(!making);
    setProblem(null);
  };
  const place = placeOf(problem);
  return (
    <main class="door">
      <div class="card">
        <Mark class="card-mark" />
        <h1>{store.serverName.value || location.hostname}</h1>
        <p>{!making ? t('door.log-in-text') : invite === null ? t('door.make-text') : t('door.invited')}</p>
        {making && rooms.length > 0 && (
          <p>{t('door.invited-rooms', { rooms: formatList(rooms.map((room) => `#${room}`)) })}</p>
        )}
        {problem && place === 'form' && (
          <p class="card-problem" role="alert">
            {doorText(problem)}
          </p>
        )}
        <DoorForm
          key={String(making)}
          making={making}
          invite={invite}
          room={rooms[0]}
          problem={problem}
          onProblem={setProblem}
        />
        <p class="card-other">
          {making ? t('door.have-account') : t('door.new-here')}{' '}
          <button type="button" class="link-button" onClick={turn}>
            {making ? t('door.log-in') : t('door.make')}
          </button>
        </p>
        <LanguageLine />
      </div>
    </main>
  );
}

/** The rooms that the invitation opens, as far as they are known. */
function useRooms(invite: string | null): readonly string[] {
  const [rooms, setRooms] = useState<readonly string[]>([]);
  useEffect(() => {
    if (invite === null) return;
    import('./invitedRooms')
      .then(({ roomsOf }) => roomsOf(invite))
      .then(
        (found) => setRooms(found ?? []),
        (error: unknown) => console.warn('a part of the page cannot be loaded', error),
      );
  }, [invite]);
  return rooms;
}

interface FormProps {
  readonly making: boolean;
  /** The code of the invitation by which an account is made. */
  readonly invite: string | null;
  /** The room that it leads to. */
  readonly room: string | undefined;
  readonly problem: Problem | null;
  readonly onProblem: (problem: Problem | null) => void;
}

function DoorForm({ making, invite, room, problem, onProblem }: FormProps) {
  const store = useStore();
  const [busy, setBusy] = useState(false);
  const submit = async (data: FormData) => {
    const user = textOf(data, 'username').trim().toLowerCase();
    const password = textOf(data, 'password');
    setBusy(true);
    const outcome = making
      ? await store.actions.register(user, password, invite ?? undefined)
      : await store.actions.logIn(user, password);
    // The code is used up, and stands in no history.
    if (outcome.ok && invite !== null)
      history.replaceState(
        null,
        '',
        making && room !== undefined ? `/${hrefOf(targetOf('room', room))}` : '/',
      );
    if (!outcome.ok) await loadDoorText(outcome.problem);
    setBusy(false);
    onProblem(outcome.ok ? null : outcome.problem);
    if (!outcome.ok) focusWrong(placeOf(outcome.problem) === 'name' ? 'username' : 'password');
  };
  const place = placeOf(problem);
  const text = problem && doorText(problem);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void submit(new FormData(event.currentTarget));
      }}
    >
      <TextField
        label={t('door.name')}
        name="username"
        autocomplete="username"
        hint={making ? t('door.name-hint') : undefined}
        wrong={place === 'name' ? text : null}
        pattern={making ? NAME_PATTERN : undefined}
        patternHint={t('problem.bad-name')}
        maxLength={LONGEST_USER}
        required
        autofocus
      />
      <PasswordField
        label={t('door.password')}
        name="password"
        autocomplete={making ? 'new-password' : 'current-password'}
        hint={making ? t('door.password-hint') : undefined}
        wrong={place === 'password' ? text : null}
      />
      <button type="submit" class="button wide" disabled={busy}>
        {busy ? t('door.busy') : making ? t('door.make') : t('door.log-in')}
      </button>
    </form>
  );
}

function placeOf(problem: Problem | null): 'name' | 'password' | 'form' | 'none' {
  if (problem === null) return 'none';
  if (OF_NAME.has(problem.code)) return 'name';
  return OF_PASSWORD.has(problem.code) ? 'password' : 'form';
}

function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === 'string' ? value : '';
}

function focusWrong(name: string): void {
  requestAnimationFrame(() => {
    const field = document.querySelector<HTMLInputElement>(`.card input[name=${name}]`);
    field?.focus();
    field?.select();
  });
}
