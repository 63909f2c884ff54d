// The icons that only menus, dialogs and profiles show.

import { addIcons } from './Icon';

export const MENU_ICONS = {
  bell: 'M6 16v-5a6 6 0 0112 0v5l1.5 2h-15zM10 20.5a2 2 0 004 0',
  block: 'M12 3.5a8.5 8.5 0 100 17 8.5 8.5 0 000-17zM6 6l12 12',
  help: 'M12 3.5a8.5 8.5 0 100 17 8.5 8.5 0 000-17zM9.5 9.5a2.5 2.5 0 114 2c-1 .7-1.5 1.2-1.5 2.3M12 16.7v.1',
  hook: 'M14 7.5a3 3 0 10-3 0L7.5 14M9.5 17.5h6.5M12.5 7.5L16.5 14M5.5 14.5a3 3 0 104 3M16.5 14a3 3 0 11-1 5.5',
  logout: 'M14 4H6v16h8M10 12h10M16.5 8.5L20 12l-3.5 3.5',
  megaphone: 'M4 10v4h3l9 4.5v-13L7 10zM8 14.5l1 5h2.5l-1-4M19 9.5c1.3 1.3 1.3 3.7 0 5',
} as const;

addIcons(MENU_ICONS);
