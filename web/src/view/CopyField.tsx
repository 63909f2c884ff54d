// A text to take away, with a button that copies it. Where a browser does not allow that, the text is selected.

import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../locales';
import { copy } from './copy';
import { Icon } from './Icon';

/** Ms for which the button tells that it has copied. */
const TOLD_MS = 3_000;

interface Props {
  readonly label: string;
  readonly text: string;
  /** What the button says. */
  readonly button: string;
  /** Whether it is what one came for: its button takes the focus when it appears. */
  readonly first?: boolean;
}

export function CopyField({ label, text, button, first = false }: Props) {
  const [outcome, setOutcome] = useState<boolean | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const press = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (first) press.current?.focus();
  }, []);
  useEffect(() => {
    if (outcome !== true) return undefined;
    const timer = setTimeout(() => setOutcome(null), TOLD_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const take = async () => {
    const copied = await copy(text);
    setOutcome(copied);
    if (!copied) field.current?.select();
  };
  return (
    <div class="copy-field">
      <input
        ref={field}
        class="input"
        readOnly
        dir="ltr"
        aria-label={label}
        value={text}
        onFocus={(event) => event.currentTarget.select()}
      />
      <button ref={press} type="button" class={first ? 'button' : 'button quiet'} onClick={() => void take()}>
        <Icon name={outcome === true ? 'check' : 'copy'} />
        {button}
      </button>
      <span class={outcome === false ? 'wrong' : 'visually-hidden'} role="status">
        {outcome === true && t('copied')}
        {outcome === false && t('problem.no-clipboard')}
      </span>
    </div>
  );
}
