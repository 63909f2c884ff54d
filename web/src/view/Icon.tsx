// The icons of the page, drawn as lines in the colour of the text around them. Those that stand here are shown at once; the
// others come with the parts that show them.

import type { FRONT_ICONS } from './frontIcons';
import type { MENU_ICONS } from './menuIcons';

const PATHS = {
  bellOff: 'M4 4l16 16M8.5 6.2A6 6 0 0118 11v4M6 10.5V16l-1.5 2H17M10 20.5a2 2 0 004 0',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  feed: 'M5 19h.01M5 12.5A6.5 6.5 0 0111.5 19M5 6a13 13 0 0113 13',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 017 0v3',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  plus: 'M12 5v14M5 12h14',
  search: 'M11 5a6 6 0 100 12 6 6 0 000-12zM20 20l-4.6-4.6',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  warning: 'M12 4l9 16H3zM12 10v4.5M12 17.2v.1',
} as const;

export type IconName = keyof typeof PATHS | keyof typeof FRONT_ICONS | keyof typeof MENU_ICONS;

const paths: Record<string, string> = { ...PATHS };

/** Adds the icons of a part that is loaded later. */
export function addIcons(icons: Readonly<Record<string, string>>): void {
  Object.assign(paths, icons);
}

/** An icon. It is hidden from screen readers, so what it stands on needs a label of its own. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class={name === 'more' ? 'icon icon-dots' : 'icon'} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
