// The icons of the page, drawn as lines in the colour of the text around them.

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  bellOff: 'M4 4l16 16M8.5 6.2A6 6 0 0118 11v4M6 10.5V16l-1.5 2H17M10 20.5a2 2 0 004 0',
  bot: 'M12 4v4M6 8h12v11H6zM3 12v3M21 12v3M9.5 12v1.5M14.5 12v1.5',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  clock: 'M12 3.5a8.5 8.5 0 100 17 8.5 8.5 0 000-17zM12 7.5V12l3 2',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  down: 'M12 5v14M6 13l6 6 6-6',
  edit: 'M4 20h4L19 9l-4-4L4 16zM13 7l4 4',
  feed: 'M5 19h.01M5 12.5A6.5 6.5 0 0111.5 19M5 6a13 13 0 0113 13',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 017 0v3',
  members:
    'M9 4.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM3 20c0-3.5 2.7-6 6-6s6 2.5 6 6M16 5a3.5 3.5 0 010 6.5M21 20c0-2.8-1.7-5-4-5.7',
  megaphone: 'M4 10v4h3l9 4.5v-13L7 10zM8 14.5l1 5h2.5l-1-4M19 9.5c1.3 1.3 1.3 3.7 0 5',
  message: 'M4 5h16v11H10l-4 4v-4H4z',
  more: 'M6 12h.01M12 12h.01M18 12h.01',
  plus: 'M12 5v14M5 12h14',
  quote: 'M9.5 7H5v5h4.5zM9.5 12c0 2.8-1 4.3-3.5 5M19 7h-4.5v5H19zM19 12c0 2.8-1 4.3-3.5 5',
  search: 'M11 5a6 6 0 100 12 6 6 0 000-12zM20 20l-4.6-4.6',
  send: 'M4 12l16-7-6 15-3-6.5zM11 13.5L20 5',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
  user: 'M12 4a4 4 0 100 8 4 4 0 000-8zM4.5 20.5c0-4 3.3-6.5 7.5-6.5s7.5 2.5 7.5 6.5',
  userPlus:
    'M10 4.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM3.5 20c0-3.5 2.9-6 6.5-6 1.5 0 2.9.4 4 1.2M18 13v7M14.5 16.5h7',
  warning: 'M12 4l9 16H3zM12 10v4.5M12 17.2v.1',
} as const;

export type IconName = keyof typeof PATHS;

/** Whether there is an icon of this name here. */
export function isIcon(name: string): name is IconName {
  return name in PATHS;
}

/** An icon. It is hidden from screen readers, so what it stands on needs a label of its own. */
export function Icon({ name }: { readonly name: IconName }) {
  return <Drawing path={PATHS[name]} class={name === 'more' ? 'icon icon-dots' : 'icon'} />;
}

interface DrawingProps {
  readonly path: string;
  readonly class?: string;
}

export function Drawing({ path, class: className = 'icon' }: DrawingProps) {
  return (
    <svg class={className} viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
