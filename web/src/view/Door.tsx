// The page in front of the chat: log in, or make an account. Errors stand at the field that they are about.

import { useState } from 'preact/hooks';

import { t } from '../locales';
import type { Problem } from '../store/model';
import { useStore } from './context';
import { LanguageLine } from './LanguageLine';
import { Mark } from './Mark';
import { PasswordField } from './PasswordField';
import { problemText } from './problem';
import { TextField } from './TextField';

/** Problems that the name causes; those of the password; all others stand above the fields. */
const OF_NAME = new Set(['bad-name', 'name-taken', 'name-reserved']);
const OF_PASSWORD = new Set(['bad-credentials', 'password-too-short', 'password-too-long']);

export function Door({ ended }: { readonly ended: Problem | null }) {
  const store = useStore();
  const [making, setMaking] = useState(false);
  const [problem, setProblem] = useState(ended);
  const [busy, setBusy] = useState(false);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement) || busy) return;
    const data = new FormData(event.currentTarget);
    const user = textOf(data, 'username').trim().toLowerCase();
    const password = textOf(data, 'password');
    setBusy(true);
    const { register, logIn } = store.actions;
    const outcome = await (making ? register(user, password) : logIn(user, password));
    setBusy(false);
    setProblem(outcome.ok ? null : outcome.problem);
    if (!outcome.ok) focusWrong(OF_NAME.has(outcome.problem.code) ? 'username' : 'password');
  };

  const text = problem ? problemText(problem) : null;
  const place = !problem ? 'none' : OF_NAME.has(problem.code) ? 'name' : OF_PASSWORD.has(problem.code) ? 'password' : 'form';
  const house = store.serverName.value;
  return (
    <main class="door">
      <div class="card">
        <Mark class="card-mark" />
        <h1>{house || location.hostname}</h1>
        <p>{making ? t('door.make-text') : t('door.log-in-text')}</p>
        {place === 'form' && (
          <p class="card-problem" role="alert">
            {text}
          </p>
        )}
        <form key={making ? 'register' : 'login'} onSubmit={(event) => void submit(event)} noValidate={false}>
          <TextField
            label={t('door.name')}
            name="username"
            autocomplete="username"
            hint={making ? t('door.name-hint') : undefined}
            wrong={place === 'name' ? text : null}
            pattern={making ? '[A-Za-z0-9][A-Za-z0-9_\\-]*' : undefined}
            patternHint={t('problem.bad-name')}
            maxLength={32}
            required
            autofocus
          />
          <PasswordField
            label={t('door.password')}
            name="password"
            autocomplete={making ? 'new-password' : 'current-password'}
            wrong={place === 'password' ? text : null}
          />
          <button type="submit" class="button wide" disabled={busy}>
            {busy ? t('door.busy') : making ? t('door.make') : t('door.log-in')}
          </button>
        </form>
        <p class="card-other">
          {making ? t('door.have-account') : t('door.new-here')}{' '}
          <button
            type="button"
            class="link-button"
            onClick={() => {
              setMaking(!making);
              setProblem(null);
            }}
          >
            {making ? t('door.log-in') : t('door.make')}
          </button>
        </p>
        <LanguageLine />
      </div>
    </main>
  );
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
