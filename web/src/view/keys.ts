// The keyboard of the page: which keys do what anywhere, and how they are called on this machine.

import type { Store } from '../store/model';
import { closeTop, dialog, pane } from './ui';

const MAC = /mac|iphone|ipad/i.test(navigator.userAgent);

/** The names of keys as they stand on the keyboard in front of the user. */
export const SELF_KEYS = {
  switcher: MAC ? '⌘ K' : 'Ctrl K',
  members: MAC ? '⌘ I' : 'Ctrl I',
  help: MAC ? '⌘ /' : 'Ctrl /',
  alt: MAC ? '⌥' : 'Alt',
} as const;

/** Listens to the keys that work everywhere. Returns how to end that. */
export function startKeys(store: Store): () => void {
  const listener = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || store.session.peek().state !== 'logged-in') return;
    if (dialog.peek() === null && press(store, event)) event.preventDefault();
  };
  addEventListener('keydown', listener);
  return () => removeEventListener('keydown', listener);
}

/** Does what the key says. False if it says nothing. */
function press(store: Store, event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && !event.altKey) {
    if (key === 'k') dialog.value = { kind: 'switcher', query: '' };
    else if (key === '/') dialog.value = { kind: 'shortcuts' };
    else if (key === 'i') pane.value = pane.peek()?.kind === 'room' ? null : { kind: 'room' };
    else return false;
    return true;
  }
  if (event.altKey && !event.ctrlKey && (key === 'arrowdown' || key === 'arrowup')) {
    step(store, key === 'arrowdown' ? 1 : -1, event.shiftKey);
    return true;
  }
  if (key === 'escape') return closeTop();
  return typeAnywhere(event);
}

/** Goes to the next or the previous conversation of the side bar, or of those with something unread. */
function step(store: Store, direction: 1 | -1, unreadOnly: boolean): void {
  const shown = store.shown.peek();
  const all = store.conversations.peek();
  const list = unreadOnly ? all.filter((entry) => entry.unread > 0 || entry.id === shown) : all;
  const at = list.findIndex((entry) => entry.id === shown);
  const next = list[(at + direction + list.length) % list.length];
  if (next) store.actions.show(next.id);
}

/** A letter typed while nothing takes it goes into the composer. */
function typeAnywhere(event: KeyboardEvent): boolean {
  const taken = document.activeElement?.closest('input, textarea, select, [role=menu]');
  if (taken || event.key.length !== 1 || event.key === ' ' || event.ctrlKey || event.metaKey || event.altKey)
    return false;
  document.querySelector<HTMLTextAreaElement>('.composer textarea')?.focus();
  return false;
}
