// Keeps the address of the page and the conversation in front together, so that links, reload and the back button work.

import { effect } from '@preact/signals';

import { isTarget, kindOf, nameOf, targetOf, type ConversationId, type ConversationKind } from '../protocol/target';
import type { Store } from '../store/model';
import { dialog, editing, listInFront } from './ui';

const FORM = /^#\/(room|direct|feed)\/([a-z0-9][a-z0-9_-]*)$/;

/** The address of a conversation. */
export function hrefOf(id: ConversationId): string {
  return `#/${kindOf(id)}/${nameOf(id)}`;
}

/** The conversation that an address names, or null. */
export function conversationOf(hash: string): ConversationId | null {
  const match = FORM.exec(hash);
  if (!match) return null;
  const id = targetOf(match[1] as ConversationKind, match[2] ?? '');
  return isTarget(id) ? id : null;
}

/** Follows the address, and writes it. Returns how to end that. */
export function startRouting(store: Store): () => void {
  const follow = () => goTo(store, conversationOf(location.hash));
  follow();
  addEventListener('hashchange', follow);
  const stop = effect(() => {
    const id = store.shown.value;
    if (id === null || conversationOf(location.hash) === id) return;
    const first = conversationOf(location.hash) === null;
    if (first) history.replaceState(null, '', hrefOf(id));
    else history.pushState(null, '', hrefOf(id));
  });
  return () => {
    removeEventListener('hashchange', follow);
    stop();
  };
}

function goTo(store: Store, id: ConversationId | null): void {
  editing.value = null;
  listInFront.value = id === null;
  if (id === null || store.shown.peek() === id) return;
  if (store.conversation(id)) store.actions.show(id);
  else if (kindOf(id) === 'room') dialog.value = { kind: 'switcher', query: nameOf(id) };
  else if (kindOf(id) === 'direct') void store.actions.openDirect(nameOf(id));
}
