// The icons that are shown beside a conversation in front.

import { addIcons } from './Icon';

export const FRONT_ICONS = {
  back: 'M15 5l-7 7 7 7',
  clock: 'M12 3.5a8.5 8.5 0 100 17 8.5 8.5 0 000-17zM12 7.5V12l3 2',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  down: 'M12 5v14M6 13l6 6 6-6',
  members:
    'M9 4.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM3 20c0-3.5 2.7-6 6-6s6 2.5 6 6M16 5a3.5 3.5 0 010 6.5M21 20c0-2.8-1.7-5-4-5.7',
  message: 'M4 5h16v11H10l-4 4v-4H4z',
  quote: 'M9.5 7H5v5h4.5zM9.5 12c0 2.8-1 4.3-3.5 5M19 7h-4.5v5H19zM19 12c0 2.8-1 4.3-3.5 5',
  send: 'M4 12l16-7-6 15-3-6.5zM11 13.5L20 5',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5',
  user: 'M12 4a4 4 0 100 8 4 4 0 000-8zM4.5 20.5c0-4 3.3-6.5 7.5-6.5s7.5 2.5 7.5 6.5',
  userPlus:
    'M10 4.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7zM3.5 20c0-3.5 2.9-6 6.5-6 1.5 0 2.9.4 4 1.2M18 13v7M14.5 16.5h7',
  bot: 'M12 4v4M6 8h12v11H6zM3 12v3M21 12v3M9.5 12v1.5M14.5 12v1.5',
} as const;

addIcons(FRONT_ICONS);
