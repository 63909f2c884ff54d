// A field for a password, with a button that shows what was typed.

import { useId, useState } from 'preact/hooks';

import { t } from '../locales';

interface Props {
  readonly label: string;
  readonly name: string;
  readonly autocomplete: 'current-password' | 'new-password';
  readonly wrong?: string | null | undefined;
  readonly hint?: string | undefined;
}

export function PasswordField({ label, name, autocomplete, wrong, hint }: Props) {
  const id = useId();
  const [shown, setShown] = useState(false);
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <div class="password">
        <input
          id={id}
          class="input"
          name={name}
          {...(shown ? { type: 'text' as const } : { type: 'password' as const })}
          autocomplete={autocomplete}
          autocapitalize="none"
          spellcheck={false}
          required
          aria-invalid={wrong ? 'true' : undefined}
          aria-describedby={wrong || hint ? `${id}-note` : undefined}
        />
        <button
          type="button"
          class="link-button"
          aria-pressed={shown}
          aria-label={t('door.show-password')}
          onClick={() => setShown(!shown)}
        >
          {shown ? t('door.hide') : t('door.show')}
        </button>
      </div>
      {(wrong ?? hint) && (
        <span id={`${id}-note`} class={wrong ? 'wrong' : 'field-hint'} role={wrong ? 'alert' : undefined}>
          {wrong ?? hint}
        </span>
      )}
    </div>
  );
}
