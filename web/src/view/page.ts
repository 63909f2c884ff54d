// Keeps what lies around the components in step with the store: language, look, title, sign, keys, address, attention.

import { effect, untracked } from '@preact/signals';

import { chooseLanguage, formatNumber, language, t } from '../locales';
import type { Store } from '../store/model';
import { startKeys } from './keys';
import { front, isBroken } from './part';
import { conversationOf, startRouting } from './route';
import { dialog, pane, WIDE } from './ui';

/** Starts all of it. Calls `ready` when the language is there. Returns how to end it. */
export function startPage(store: Store, ready: () => void): () => void {
  // What the address names is loaded at once, while the worker begins.
  if (conversationOf(location.hash) !== null) later(front.load(), () => undefined);
  pane.value = matchMedia(WIDE).matches ? { kind: 'room' } : null;
  const stops = [
    effect(() => {
      const tag = store.settings.value.language;
      untracked(() => chooseLanguage(tag)).then(ready, () => (isBroken.value = true));
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
    store.onAttention((attention) => later(import('./attention'), ({ call }) => call(store, attention))),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Does something with a part of the page that is loaded only now. Without it the page works as well. */
function later<T>(part: Promise<T>, action: (part: T) => void): void {
  part.then(action).catch((error: unknown) => console.warn('a part of the page cannot be loaded', error));
}

function showTheme(theme: 'system' | 'light' | 'dark'): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

/** What the sign in the tab shows. */
let sign = '0 false';

function showTitle(store: Store): void {
  const inside = store.session.value.state === 'logged-in';
  const { unread, mentions } = store.totals.value;
  const shown = store.shown.value;
  const house = store.serverName.value || location.hostname;
  const title = inside && shown !== null ? `${shown} · ${house}` : house;
  document.title = inside && mentions > 0 ? t('title.count', { n: formatNumber(mentions), title }) : title;
  const isUnread = inside && unread > 0;
  const count = inside ? mentions : 0;
  const wanted = `${count} ${isUnread}`;
  if (wanted === sign) return;
  sign = wanted;
  later(import('./sign'), ({ showCount }) => showCount(count, isUnread));
}
