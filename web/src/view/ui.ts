// What only the view knows: which dialog and which pane are open, and which message is being edited.

import { signal } from '@preact/signals';

import type { CommandAnswer, ConversationId, MessageRow } from '../store/model';

/** What a moderator may do to a user, each with a dialog that names the consequence. */
export type UserAct = 'kick' | 'ban' | 'unban' | 'mute' | 'unmute' | 'moderator' | 'unmoderator' | 'owner';

export type Dialog =
  | { readonly kind: 'switcher'; readonly query: string }
  | { readonly kind: 'person'; readonly purpose: 'direct' | 'follow' }
  | { readonly kind: 'settings' }
  | { readonly kind: 'sessions' }
  | { readonly kind: 'shortcuts' }
  | { readonly kind: 'publish' }
  | { readonly kind: 'broadcast' }
  | { readonly kind: 'suspend'; readonly user: string }
  | { readonly kind: 'unsuspend' }
  | { readonly kind: 'invitations' }
  | { readonly kind: 'invite'; readonly room: string }
  | { readonly kind: 'topic'; readonly room: string }
  | { readonly kind: 'hooks'; readonly room: string }
  | { readonly kind: 'access'; readonly room: string; readonly to: 'public' | 'private' }
  | { readonly kind: 'post'; readonly room: string; readonly to: 'everyone' | 'moderators' }
  | { readonly kind: 'user-act'; readonly room: string; readonly act: UserAct; readonly user: string }
  | { readonly kind: 'leave'; readonly room: string }
  | { readonly kind: 'remove'; readonly conversation: ConversationId; readonly row: MessageRow }
  | { readonly kind: 'block'; readonly user: string }
  | { readonly kind: 'answer'; readonly line: string; readonly answer: CommandAnswer };

export type Pane = { readonly kind: 'room' } | { readonly kind: 'person'; readonly user: string };

export const dialog = signal<Dialog | null>(null);
export const pane = signal<Pane | null>(null);

/** The key of the row that is being edited. */
export const editing = signal<string | null>(null);

/** Text that the composer takes over, for example a quotation. */
export const insertion = signal<string | null>(null);

/** What a screen reader shall say now. */
export const spoken = signal('');

/** The width from which the pane stands beside the conversation instead of over it. */
export const WIDE = '(min-width: 68rem)';

/** The width up to which either the list or the conversation is in front. */
export const PHONE = '(max-width: 44rem)';

/** Opens the profile of a user. */
export function openProfile(user: string): void {
  pane.value = { kind: 'person', user };
}

/** Closes everything that lies over the conversation. True if there was something. */
export function closeTop(): boolean {
  if (editing.value !== null) {
    editing.value = null;
    return true;
  }
  if (pane.value !== null && (pane.value.kind === 'person' || !matchMedia(WIDE).matches)) {
    pane.value = null;
    return true;
  }
  return false;
}
