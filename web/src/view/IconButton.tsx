// A button that shows an icon only; its label is read aloud and shown as a tooltip.

import type { Ref } from 'preact';

import { Icon, type IconName } from './Icon';

interface Props {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: (event: MouseEvent) => void;
  readonly class?: string | undefined;
  readonly expanded?: boolean | undefined;
  readonly menu?: boolean | undefined;
  readonly buttonRef?: Ref<HTMLButtonElement> | undefined;
}

export function IconButton(props: Props) {
  return (
    <button
      type="button"
      ref={props.buttonRef ?? null}
      class={props.class ? `icon-button ${props.class}` : 'icon-button'}
      aria-label={props.label}
      title={props.label}
      aria-expanded={props.expanded}
      aria-haspopup={props.menu ? 'menu' : undefined}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}
