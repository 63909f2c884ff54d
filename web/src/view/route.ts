// Keeps the address of the page and the conversation in front together, so that links, reload and the back button work.

import { effect, untracked } from '@preact/signals';

import {
  isTarget,
  kindOf,
  nameOf,
  targetOf,
  type ConversationId,
  type ConversationKind,
} from '../protocol/target';
import type { Store } from '../store/model';
import { dialog, editing, openProfile, PHONE } from './ui';

const FORM = /^#\/(room|direct|feed)\/([a-z0-9][a-z0-9_-]*)$/;
const PROFILE = /^#\/user\/([a-z0-9][a-z0-9_-]*)$/;

/** The address of a conversation. */
export function hrefOf(id: ConversationId): string {
  return `#/${kindOf(id)}/${nameOf(id)}`;
}

/** The address that shows the profile of a user. */
export function profileHref(user: string): string {
  return `#/user/${user}`;
}

/** The conversation that an address names, or null. */
export function conversationOf(hash: string): ConversationId | null {
  const match = FORM.exec(hash);
  if (!match) return null;
  const id = targetOf(match[1] as ConversationKind, match[2] ?? '');
  return isTarget(id) ? id : null;
}

/** Follows the address, and writes it, from the moment on when the conversations are known. Returns how to end that. */
export function startRouting(store: Store): () => void {
  let stop: (() => void) | null = null;
  const end = () => {
    stop?.();
    stop = null;
  };
  const watch = effect(() => {
    const inside = store.session.value.state === 'logged-in';
    // Everybody is in a room at least: without one, it is not known yet which there are.
    const known = store.conversations.value.length > 0;
    const ready = inside && known && store.connection.value.state === 'live';
    if (ready) stop ??= untracked(() => route(store));
    else if (!inside) end();
  });
  return () => {
    watch();
    end();
  };
}

function route(store: Store): () => void {
  const follow = () => goTo(store);
  const isAddressed = conversationOf(location.hash) !== null;
  if (isAddressed) follow();
  const stopShowing = isAddressed ? null : showTheOnly(store);
  addEventListener('hashchange', follow);
  const stop = effect(() => {
    const id = store.shown.value;
    editing.value = null;
    if (id !== null) untracked(() => writeAddress(id));
  });
  return () => {
    removeEventListener('hashchange', follow);
    stopShowing?.();
    stop();
  };
}

/** Whoever has one conversation only, as everybody at the beginning, need not choose. Returns how to end that. */
function showTheOnly(store: Store): () => void {
  let done = false;
  return effect(() => {
    const [first, second] = store.conversations.value;
    if (done || !first) return;
    done = true;
    untracked(() => {
      if (!second && store.shown.value === null) store.actions.show(first.id);
    });
  });
}

function writeAddress(id: ConversationId): void {
  const before = conversationOf(location.hash);
  if (before === id) return;
  // On a phone the list is a step of its own, to which the back button leads.
  if (before === null && !matchMedia(PHONE).matches) history.replaceState(null, '', hrefOf(id));
  else history.pushState(null, '', hrefOf(id));
}

function goTo(store: Store): void {
  const profile = PROFILE.exec(location.hash)?.[1];
  if (profile !== undefined) {
    openProfile(profile);
    history.back();
    return;
  }
  const id = conversationOf(location.hash);
  if (id === null) {
    if (matchMedia(PHONE).matches) store.actions.show(null);
    return;
  }
  if (store.shown.peek() === id) return;
  if (store.conversation(id)) store.actions.show(id);
  else if (kindOf(id) === 'room') dialog.value = { kind: 'switcher', query: `#${nameOf(id)}` };
  else if (kindOf(id) === 'direct') void store.actions.openDirect(nameOf(id));
}

/** Shows the list on a phone. */
export function goToList(): void {
  location.hash = '';
}
