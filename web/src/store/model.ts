// What the view renders: the public types of the store. Values are immutable; a change makes a new value.
// Nothing here is text for people except what people wrote: reasons and states are codes, their words are in the
// locales.
import type { ReadonlySignal } from '@preact/signals';
import type { ByeCode, RefusalCode, Role } from '../protocol/codes';
import type { ConversationId, ConversationKind } from '../protocol/target';
import type { Actions } from './model-actions';

export type { Actions };

export type { ConversationId, ConversationKind, RefusalCode, Role, ByeCode };

/** Why something did not happen. `code` is that of the server, or one of ours. */
export interface Problem {
  readonly code: ProblemCode;
  /** Of `too-many-attempts` and `takeover-loop`: seconds to wait. */
  readonly seconds?: number;
  /** Of `password-too-short`: the characters that a new password needs. */
  readonly characters?: number;
  /** Of `line-too-long`: the bytes that fit. */
  readonly bytes?: number;
  /** Of `suspended`, `banned`, `muted`: the end, in ms since 1970; missing if there is none. */
  readonly until?: number;
  /** What the server says in English. Shown for a code that has no text in the locales. */
  readonly explanation?: string;
}

/** The codes that this client adds to those of the server. */
export type LocalProblemCode =
  /** The connection went away before the answer came. */
  | 'connection-lost'
  /** There is no connection, and this action does not wait for one. */
  | 'not-connected'
  /** A part of the page cannot be loaded. */
  | 'part-missing'
  /** The browser does not let the page copy. */
  | 'no-clipboard'
  /** The server answered in a way that this client does not understand. */
  | 'unexpected-answer'
  /** Too much waits to be sent already. */
  | 'too-many-waiting'
  /** The text shows nothing. */
  | 'nothing-to-send'
  /** It is not known whether the message arrived, and the server may have forgotten its key by now. */
  | 'unknown-outcome'
  /** The server refuses the origin of the page. */
  | 'wrong-origin';

export type ProblemCode = RefusalCode | ByeCode | LocalProblemCode | (string & {});

/** The result of an action. */
export type Outcome<T = void> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** Who uses the page. */
export type Session =
  /** It is not known yet whether the browser has a ticket. Shows nothing, or the frame of the page. */
  | { readonly state: 'checking' }
  /** The log in page. `problem` tells why a session ended, if the user did not end it. */
  | { readonly state: 'logged-out'; readonly problem: Problem | null }
  | { readonly state: 'logged-in'; readonly user: string };

/** What the connection does. */
export type Connection =
  | { readonly state: 'offline' }
  /** The first attempt, or a new one; `attempt` counts from 1. */
  | { readonly state: 'connecting'; readonly attempt: number }
  /** Connected; what happened meanwhile is being loaded. */
  | { readonly state: 'behind' }
  | { readonly state: 'live' }
  /** Waits for the next attempt. `seconds` counts down; `problem` tells why the last one failed, if that is known. */
  | { readonly state: 'waiting'; readonly seconds: number; readonly problem: Problem | null }
  /** Another client of this user has the session. Only `useHere` gets it back. */
  | { readonly state: 'taken-over' }
  /** The server does not want this session now (`suspended`, `already-logged-in`, `kicked`, ...). */
  | { readonly state: 'refused'; readonly problem: Problem };

/** One line of the side bar. */
export interface ConversationSummary {
  readonly id: ConversationId;
  readonly kind: ConversationKind;
  /** Without its sigil. */
  readonly name: string;
  /** Unread messages of others. */
  readonly unread: number;
  /** How many of them concern me: those that mention me; in a direct conversation all. */
  readonly mentions: number;
  /** When the newest known entry was accepted, in ms since 1970; 0 if unknown. */
  readonly lastActivity: number;
  /** Whether something is written and not sent. */
  readonly hasDraft: boolean;
  /** Whether it is a private room; null if that is not known yet. */
  readonly isPrivate: boolean | null;
  /** Whether notifications and counts of mentions are off (a setting of this browser). */
  readonly muted: boolean;
  /** Why a remembered room could not be entered; null if it is open. */
  readonly lost: Problem | null;
}

/** One member of a room. */
export interface Member {
  readonly user: string;
  readonly isMe: boolean;
  /** Null for an ordinary member, and until the room's rights are known. */
  readonly role: 'owner' | 'moderator' | null;
  /** Until when the member is muted, in ms since 1970, as far as this session heard of it. */
  readonly mutedUntil: number | 'for-ever' | null;
}

/** Who may do what in a room. */
export interface RoomInfo {
  readonly topic: string;
  readonly access: 'public' | 'private';
  readonly post: 'everyone' | 'moderators';
  /** Null if the room belongs to the operators. */
  readonly owner: string | null;
  readonly moderators: readonly string[];
  readonly role: Role;
  /** In ms since 1970; null if it is not known. */
  readonly created: number | null;
}

/** How far one's own message is. */
export type Delivery =
  /** In the log. */
  | { readonly state: 'accepted' }
  /** On its way, or waits for a connection. */
  | { readonly state: 'waiting' }
  /** The store is away. It is sent again by itself, and by `sendAgain` at once. */
  | { readonly state: 'stalled'; readonly problem: Problem }
  /** Refused; it is in no log. `sendAgain` tries once more, `discard` forgets it. */
  | { readonly state: 'refused'; readonly problem: Problem };

interface RowBase {
  /** Unique within the conversation, and stable while the row is shown. */
  readonly key: string;
}

/** A message. */
export interface MessageRow extends RowBase {
  readonly kind: 'message';
  /** Number in its log; null until it is accepted. */
  readonly id: number | null;
  readonly author: string;
  /** Whether a program said it: then the author is a label, and no user. */
  readonly isBot: boolean;
  readonly isMine: boolean;
  /** When it was accepted, or written, in ms since 1970. */
  readonly time: number;
  /** Empty if it was removed. */
  readonly text: string;
  /** Whether it begins a group: show author and time. */
  readonly startsGroup: boolean;
  readonly mentionsMe: boolean;
  /** When it was edited last, in ms since 1970. */
  readonly edited: number | null;
  /** Null unless the text was removed; by whom and why are null if that is not known any more. */
  readonly removed: { readonly by: string | null; readonly reason: string | null } | null;
  readonly delivery: Delivery;
  /** Names the message in `sendAgain` and `discard` while it is not accepted. */
  readonly sendKey: string | null;
}

/** A day begins. */
export interface DayRow extends RowBase {
  readonly kind: 'day';
  /** The beginning of the day in the time zone of the browser, in ms since 1970. */
  readonly time: number;
}

/** "New since you were away" stands here. */
export interface NewRow extends RowBase {
  readonly kind: 'new';
}

/** Entries are missing here, and are being loaded. */
export interface GapRow extends RowBase {
  readonly kind: 'gap';
  /** How many at most. */
  readonly missing: number;
}

/** The topic was set. */
export interface TopicRow extends RowBase {
  readonly kind: 'topic';
  readonly time: number;
  readonly by: string;
  readonly text: string;
}

/** A moderator did something. */
export interface ModerationRow extends RowBase {
  readonly kind: 'moderation';
  readonly time: number;
  readonly by: string;
  readonly action: ModerationAction;
  /** Whom it concerns; null if it concerns the room. */
  readonly user: string | null;
  /** Until when it holds, in ms since 1970; null if for ever, or if it has no end. */
  readonly until: number | null;
  /** Empty if none was given. Of `access`, `post` and `retention`: the setting. */
  readonly reason: string;
}

export type ModerationAction =
  | 'access'
  | 'post'
  | 'retention'
  | 'invite'
  | 'kick'
  | 'ban'
  | 'unban'
  | 'mute'
  | 'unmute'
  | 'moderator'
  | 'unmoderator'
  | 'owner'
  | (string & {});

/** Somebody may enter a room: an entry of a direct conversation. */
export interface InvitationRow extends RowBase {
  readonly kind: 'invitation';
  readonly time: number;
  readonly by: string;
  readonly to: string;
  readonly room: string;
}

/** Users came and went, folded into one line. Who came and went again is in neither list. */
export interface PresenceRow extends RowBase {
  readonly kind: 'presence';
  readonly time: number;
  readonly came: readonly string[];
  readonly went: readonly string[];
}

/** One line of a conversation. */
export type Row =
  MessageRow | DayRow | NewRow | GapRow | TopicRow | ModerationRow | InvitationRow | PresenceRow;

/** Whether more entries can be loaded in one direction. */
export type Edge =
  /** There is nothing more. */
  | 'end'
  | 'more'
  | 'loading'
  /** The last attempt failed; the same action tries again. */
  | 'failed';

/** One conversation as the view shows it. The same object stays as long as the conversation is known. */
export interface ConversationModel {
  readonly id: ConversationId;
  readonly kind: ConversationKind;
  readonly name: string;
  readonly summary: ReadonlySignal<ConversationSummary>;
  /** The rows of the window, oldest first. Empty until the first page is there. */
  readonly rows: ReadonlySignal<readonly Row[]>;
  /** Whether the first page is loaded. */
  readonly loaded: ReadonlySignal<boolean>;
  readonly older: ReadonlySignal<Edge>;
  /** `end` if the window reaches up to the newest entry. */
  readonly newer: ReadonlySignal<Edge>;
  /** The id behind which begins what is new since I was away; null if nothing is. */
  readonly newAfter: ReadonlySignal<number | null>;
  /** Messages of others that arrived while the view did not follow the end. */
  readonly newBelow: ReadonlySignal<number>;
  readonly draft: ReadonlySignal<string>;
  /** Sorted: owner, moderators, then by name. Null until loaded; always null unless it is a room. */
  readonly members: ReadonlySignal<readonly Member[] | null>;
  /** How many members the room has; null unless it is a room. */
  readonly memberCount: ReadonlySignal<number | null>;
  /** Null until loaded; always null unless it is a room. */
  readonly info: ReadonlySignal<RoomInfo | null>;
  /** The topic, known before `info`. Empty unless it is a room. */
  readonly topic: ReadonlySignal<string>;
  readonly role: ReadonlySignal<Role>;
}

/** Something to tell the user that has no place in a conversation. The view shows it until it is dismissed. */
export type Notice = { readonly key: string; readonly time: number } & (
  | { readonly kind: 'broadcast'; readonly by: string; readonly text: string }
  | { readonly kind: 'invited'; readonly by: string; readonly room: string }
  /** I was removed from a room. */
  | {
      readonly kind: 'removed-from-room';
      readonly room: string;
      readonly reason: string;
      /** `ban`: I may not come back. */
      readonly action: string;
      /** The end of a ban, in ms since 1970; null if there is none. */
      readonly until: number | null;
    }
  /** A remembered room could not be entered any more. */
  | { readonly kind: 'room-lost'; readonly room: string; readonly problem: Problem }
  | { readonly kind: 'problem'; readonly problem: Problem }
);

/** Something worth the user's attention, reported once for all tabs: for a desktop notification or a sound. */
export interface Attention {
  readonly conversation: ConversationId;
  readonly from: string;
  /** Whether a program said it. */
  readonly isBot: boolean;
  readonly text: string;
  readonly time: number;
}

/** A room that has members. */
export interface RoomListing {
  readonly room: string;
  readonly members: number;
  /** Whether it is one of my conversations. */
  readonly open: boolean;
}

/** What is known about another user. */
export interface Person {
  readonly user: string;
  readonly followed: boolean;
  readonly blocked: boolean;
}

/** A message as the answer to a command lists it. */
export interface Said {
  readonly from: string;
  readonly isBot: boolean;
  readonly text: string;
}

/** What a typed command answers, if that is more than its effect. */
export type CommandAnswer =
  | { readonly kind: 'done' }
  | { readonly kind: 'rooms'; readonly rooms: readonly RoomListing[] }
  | { readonly kind: 'users'; readonly title: string; readonly users: readonly string[] }
  | { readonly kind: 'room'; readonly room: string; readonly info: RoomInfo }
  | { readonly kind: 'help'; readonly commands: readonly { readonly usage: string; readonly help: string }[] }
  | { readonly kind: 'topic'; readonly room: string; readonly topic: string }
  | { readonly kind: 'messages'; readonly messages: readonly Said[] }
  /** Any other reply, as `name: value` pairs. */
  | { readonly kind: 'fields'; readonly fields: readonly (readonly [string, string])[] };

/** Settings of this browser, kept in its local storage. */
export interface Settings {
  readonly theme: 'system' | 'light' | 'dark';
  /** A language tag; null follows the browser. */
  readonly language: string | null;
  readonly sound: boolean;
  /** Whether the user wants desktop notifications. The permission of the browser is asked for by the view. */
  readonly notifications: boolean;
  /** Conversations without notifications. */
  readonly mutedConversations: readonly ConversationId[];
}

/** A way to log in without the password: one for each browser and program. */
export interface Ticket {
  readonly id: string;
  readonly label: string;
  readonly made: number;
  /** When it was used last, or made. */
  readonly used: number;
  /** Where it was used last, or made; empty if an operator made it. */
  readonly address: string;
}

/** A way for a program to say something in a room, which a moderator made. */
export interface Hook {
  readonly id: string;
  /** The name that stands beside what it says. */
  readonly label: string;
  readonly by: string;
  readonly made: number;
  /** Where an outgoing hook posts what is said in the room; none if it is a hook by which a program speaks. */
  readonly url?: string | undefined;
}

/** A way for others to make an account, which an operator made. */
export interface Invitation {
  readonly id: string;
  readonly by: string;
  readonly expires: number;
  /** How many accounts it may make. */
  readonly uses: number;
  /** The accounts that it made. */
  readonly used: readonly string[];
  readonly rooms: readonly string[];
}

/** All that the view reads, and all that it can do. */
export interface Store {
  readonly session: ReadonlySignal<Session>;
  readonly connection: ReadonlySignal<Connection>;
  /** The name of the house; empty until the server told it. */
  readonly serverName: ReadonlySignal<string>;
  /** Whether I am an operator, as far as a room's rights told it. */
  readonly isOperator: ReadonlySignal<boolean>;
  /** Rooms, then direct conversations, then followed users; in each kind the newest activity first. */
  readonly conversations: ReadonlySignal<readonly ConversationSummary[]>;
  /** The conversation in front of the user; null if none is (a phone shows the list). */
  readonly shown: ReadonlySignal<ConversationId | null>;
  /** Sums over all conversations that are not muted; for title and favicon. */
  readonly totals: ReadonlySignal<{ readonly unread: number; readonly mentions: number }>;
  readonly notices: ReadonlySignal<readonly Notice[]>;
  /** All rooms of the server that I may see; null until `loadRooms`. */
  readonly rooms: ReadonlySignal<readonly RoomListing[] | null>;
  /** Whom I follow, who follows me, whom I block; null until `loadPeople`. */
  readonly following: ReadonlySignal<readonly string[]>;
  readonly followers: ReadonlySignal<readonly string[] | null>;
  readonly blocked: ReadonlySignal<readonly string[] | null>;
  readonly settings: ReadonlySignal<Settings>;
  /** Names worth completing: members of open rooms, conversations, followed users; sorted. */
  readonly knownUsers: ReadonlySignal<readonly string[]>;

  /** The model of a conversation; null if it is not among mine. */
  conversation(id: ConversationId): ConversationModel | null;
  person(user: string): ReadonlySignal<Person>;
  /** Calls back for each thing worth attention. Returns how to end that. */
  onAttention(listener: (attention: Attention) => void): () => void;

  readonly actions: Actions;
}
