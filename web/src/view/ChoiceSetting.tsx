// A setting with a few values, of which one is chosen.

import { useId } from 'preact/hooks';

interface Props<T extends string> {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly choices: readonly (readonly [T, string])[];
  readonly onChange: (value: T) => void;
}

export function ChoiceSetting<T extends string>({ label, name, value, choices, onChange }: Props<T>) {
  const id = useId();
  return (
    <div class="setting" role="radiogroup" aria-labelledby={id}>
      <div class="setting-label" id={id}>
        <b>{label}</b>
      </div>
      <div class="choices">
        {choices.map(([choice, text]) => (
          <label key={choice} class="choice">
            <input
              type="radio"
              name={name}
              value={choice}
              checked={choice === value}
              onChange={() => onChange(choice)}
            />
            <span lang={name === 'language' && choice !== '' ? choice : undefined}>{text}</span>
          </label>
        ))}
      </div>
    </div>
  );
}
