// Changes the password. Each error stands at the field that it is about.

import { useState } from 'preact/hooks';

import { t } from '../locales';
import type { Problem } from '../store/model';
import { useMe, useStore } from './context';
import { PasswordField } from './PasswordField';
import { problemText } from './problem';
import { say } from './useTell';

export function PasswordForm() {
  const store = useStore();
  const me = useMe();
  const [problem, setProblem] = useState<Problem | null>(null);
  const [turn, setTurn] = useState(0);
  const submit = async (data: FormData) => {
    const outcome = await store.actions.changePassword(textOf(data, 'old'), textOf(data, 'wanted'));
    setProblem(outcome.ok ? null : outcome.problem);
    if (!outcome.ok) return;
    setTurn(turn + 1);
    say({ problem: null, text: t('sessions.changed') });
  };
  const text = problem && problemText(problem);
  const ofOld = problem?.code === 'bad-credentials';
  return (
    <form
      key={turn}
      onSubmit={(event) => {
        event.preventDefault();
        void submit(new FormData(event.currentTarget));
      }}
    >
      <p>{t('sessions.password-text')}</p>
      <input
        class="visually-hidden"
        autocomplete="username"
        value={me}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      <PasswordField
        label={t('sessions.old')}
        name="old"
        autocomplete="current-password"
        wrong={ofOld ? text : null}
      />
      <PasswordField
        label={t('sessions.wanted')}
        name="wanted"
        autocomplete="new-password"
        wrong={ofOld ? null : text}
      />
      <div class="dialog-row">
        <button type="submit" class="button">
          {t('sessions.change')}
        </button>
      </div>
    </form>
  );
}

function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === 'string' ? value : '';
}
