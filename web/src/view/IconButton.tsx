// A button that shows an icon only; its label is read aloud and shown as a tooltip.

import type { Ref } from 'preact';

import { Icon, type IconName } from './Icon';

interface Props {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: (event: MouseEvent) => void;
  readonly class?: string | undefined;
  readonly pressed?: boolean | undefined;
  readonly expanded?: boolean | undefined;
  readonly menu?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly keys?: string | undefined;
  readonly buttonRef?: Ref<HTMLButtonElement> | undefined;
}

export function IconButton(props: Props) {
  return (
    <button
      type="button"
      ref={props.buttonRef ?? null}
      class={props.class ? `icon-button ${props.class}` : 'icon-button'}
      aria-label={props.label}
      title={props.keys ? `${props.label} (${props.keys})` : props.label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-haspopup={props.menu ? 'menu' : undefined}
      aria-keyshortcuts={props.keys}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}
