// A setting that is on or off.

import { useId } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly text: string;
  readonly on: boolean;
  readonly disabled?: boolean;
  readonly onChange: (on: boolean) => void;
}

export function SwitchSetting({ label, text, on, disabled, onChange }: Props) {
  const id = useId();
  return (
    <div class="setting">
      <div class="setting-label">
        <label for={id}>
          <b>{label}</b>
        </label>
        <span id={`${id}-text`} class="note" aria-live="polite">
          {text}
        </span>
      </div>
      <input
        id={id}
        type="checkbox"
        role="switch"
        class="switch"
        checked={on}
        disabled={disabled}
        aria-describedby={`${id}-text`}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </div>
  );
}
