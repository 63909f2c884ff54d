// What a user can do: the half of the store's interface that changes something. Types only.
import type { ConversationId } from '../protocol/target';
import type { CommandAnswer, Hook, Invitation, MessageRow, Outcome, Settings, Ticket } from './model';

/**
 * What the user can do. Those that return a promise resolve when the server answered; they never reject.
 * Messages are the exception: they appear at once, and their row tells how far they are.
 */
export interface Actions {
  logIn(user: string, password: string): Promise<Outcome>;
  /** `invite` is the code of an invitation, where one is needed. */
  register(user: string, password: string, invite?: string): Promise<Outcome>;
  logOut(): Promise<Outcome>;
  /** Takes the session back after a takeover, or tries again after a refusal. */
  useHere(): void;
  reconnectNow(): void;

  /** Brings a conversation of mine to the front and loads what it needs. Null shows none. */
  show(id: ConversationId | null): void;
  /** Opens a room, makes it if need be, and shows it. */
  openRoom(room: string): Promise<Outcome>;
  /** Leaves a room, and forgets it; hides a direct conversation until something is said there. */
  closeConversation(id: ConversationId): Promise<Outcome>;
  /** Shows the direct conversation with a user, who need not have written yet. */
  openDirect(user: string): Promise<Outcome>;

  /** Says something. Each line of `text` becomes a message. Text that begins with `/` is said, not executed. */
  send(id: ConversationId, text: string): Outcome;
  sendAgain(id: ConversationId, sendKey: string): void;
  discard(id: ConversationId, sendKey: string): void;
  setDraft(id: ConversationId, text: string): void;
  edit(id: ConversationId, message: number, text: string): Promise<Outcome>;
  remove(id: ConversationId, message: number, reason?: string): Promise<Outcome>;
  /** My newest message that can still be edited; null if there is none. For the up arrow. */
  lastEditable(id: ConversationId): MessageRow | null;

  loadOlder(id: ConversationId): Promise<Outcome>;
  loadNewer(id: ConversationId): Promise<Outcome>;
  /** Moves the window to the first entries that are new since I was away. */
  jumpToNew(id: ConversationId): Promise<Outcome>;
  /** Moves the window to the newest entries. */
  jumpToNewest(id: ConversationId): Promise<Outcome>;
  /** Tells whether the view is at the end of the conversation and follows it. */
  follow(id: ConversationId, atEnd: boolean): void;
  /** The user has seen the row of this entry. Marks are sent a little later, and only move forward. */
  markRead(id: ConversationId, entry?: number): void;

  loadMembers(room: string): Promise<Outcome>;
  loadInfo(room: string): Promise<Outcome>;
  setTopic(room: string, topic: string): Promise<Outcome>;
  setAccess(room: string, access: 'public' | 'private'): Promise<Outcome>;
  setPost(room: string, post: 'everyone' | 'moderators'): Promise<Outcome>;
  invite(room: string, user: string): Promise<Outcome>;
  kick(room: string, user: string, reason?: string): Promise<Outcome>;
  /** `duration` as the server reads it: `10m`, `2h`, `7d`; without one for ever. */
  ban(room: string, user: string, duration?: string, reason?: string): Promise<Outcome>;
  unban(room: string, user: string): Promise<Outcome>;
  mute(room: string, user: string, duration?: string): Promise<Outcome>;
  unmute(room: string, user: string): Promise<Outcome>;
  setModerator(room: string, user: string, moderator: boolean): Promise<Outcome>;
  giveRoom(room: string, user: string): Promise<Outcome>;
  listHooks(room: string): Promise<Outcome<readonly Hook[]>>;
  /** Lets a program say things in the room. The value is the address for it, which the server tells only once. */
  makeHook(room: string, label: string): Promise<Outcome<string>>;
  endHook(room: string, id: string): Promise<Outcome>;

  loadRooms(): Promise<Outcome>;
  loadPeople(): Promise<Outcome>;
  followUser(user: string): Promise<Outcome>;
  unfollowUser(user: string): Promise<Outcome>;
  publish(text: string): Promise<Outcome>;
  block(user: string): Promise<Outcome>;
  unblock(user: string): Promise<Outcome>;

  broadcast(text: string): Promise<Outcome>;
  suspend(user: string, duration?: string, reason?: string): Promise<Outcome>;
  unsuspend(user: string): Promise<Outcome>;
  changePassword(old: string, wanted: string): Promise<Outcome>;
  /** What was used last comes first. */
  listTickets(): Promise<Outcome<readonly Ticket[]>>;
  revokeTicket(id: string): Promise<Outcome>;
  /** Makes an invitation to the server, for one account, that opens these rooms. The value is its code. */
  makeInvitation(rooms: readonly string[]): Promise<Outcome<string>>;
  listInvitations(): Promise<Outcome<readonly Invitation[]>>;
  endInvitation(id: string): Promise<Outcome>;

  /** Carries out a line that begins with `/`, as typed into the conversation `id`. */
  runCommand(id: ConversationId | null, line: string): Promise<Outcome<CommandAnswer>>;

  setSettings(change: Partial<Settings>): void;
  dismiss(noticeKey: string): void;
}
