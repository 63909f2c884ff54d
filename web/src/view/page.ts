// Keeps what lies around the components in step with the store: language, look, title, sign, keys, address, attention.

import { effect, untracked } from '@preact/signals';

import { chooseLanguage, formatNumber, language, t } from '../locales';
import type { Store } from '../store/model';
import { startAttention } from './attention';
import { startKeys } from './keys';
import { startRouting } from './route';
import { showCount } from './sign';
import { dialog, pane, WIDE } from './ui';

/** Starts all of it. Calls `ready` when the language is there. Returns how to end it. */
export function startPage(store: Store, ready: () => void): () => void {
  pane.value = matchMedia(WIDE).matches ? { kind: 'room' } : null;
  const stops = [
    effect(() => {
      const tag = store.settings.value.language;
      void untracked(() => chooseLanguage(tag)).then(ready);
    }),
    effect(() => {
      document.documentElement.lang = language.value;
    }),
    effect(() => showTheme(store.settings.value.theme)),
    effect(() => showTitle(store)),
    effect(() => {
      if (store.session.value.state !== 'logged-in') dialog.value = null;
    }),
    startRouting(store),
    startKeys(store),
    startAttention(store),
  ];
  return () => stops.forEach((stop) => stop());
}

function showTheme(theme: 'system' | 'light' | 'dark'): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

function showTitle(store: Store): void {
  const inside = store.session.value.state === 'logged-in';
  const { unread, mentions } = store.totals.value;
  const shown = store.shown.value;
  const house = store.serverName.value || location.hostname;
  const title = inside && shown !== null ? `${shown} · ${house}` : house;
  document.title = inside && mentions > 0 ? t('title.count', { n: formatNumber(mentions), title }) : title;
  showCount(inside ? mentions : 0, inside && unread > 0);
}
