// Everything that the server sends, by its `type`: events, which may come at any time, and replies, which answer the
// lines of this client in their order.
import { ENTRIES, ENTRY_FIELDS } from './entries';
import { REPLIES, type Ok } from './replies';
import {
  BAD,
  count,
  flag,
  list,
  nullable,
  object,
  optional,
  readTagged,
  taggedList,
  text,
  time,
  UNKNOWN,
  type Shape,
  type Tagged,
} from './schema';

/** The `ok` to a command that this client does not know; a user typed it. */
export interface OtherOk {
  readonly command: 'other';
}

/** Reads the fields of an `ok`, which depend on its command. */
const ok: Shape<Ok | OtherOk> = {
  read: (value) => {
    const read = readTagged('command', REPLIES, value);
    return read === UNKNOWN ? { command: 'other' } : read;
  },
};

const roomState = object({
  room: text,
  members: count,
  topic: text,
  role: text,
  epoch: text,
  last: count,
  read: count,
  unread: count,
});
const directState = object({ user: text, last: count, read: count, unread: count });
const feedState = object({ user: text, epoch: text, last: count, read: count, unread: count });
const historyEntry = object(ENTRY_FIELDS.message);
const ticket = object({
  id: text,
  label: text,
  made: time,
  used: nullable(time),
  address: nullable(text),
  expires: nullable(time),
});
const invitation = object({
  id: text,
  by: text,
  made: time,
  expires: time,
  uses: count,
  used: list(text),
  rooms: list(text),
  operator: flag,
});
const users = object({ users: list(text) });
const entries = taggedList('type', ENTRIES);

/** The fields of what may come at any time. */
export const EVENTS = {
  hello: object({ protocol: text, server: text }),
  message: object({ room: text, ...ENTRY_FIELDS.message }),
  publication: object({ id: count, time, from: text, text }),
  direct: object({ id: optional(count), time, from: text, to: optional(text), text }),
  edited: object({ room: text, ...ENTRY_FIELDS.edited }),
  removed: object({ room: text, ...ENTRY_FIELDS.removed }),
  topic: object({ room: text, ...ENTRY_FIELDS.topic }),
  moderated: object({ room: text, ...ENTRY_FIELDS.moderated }),
  invited: object(ENTRY_FIELDS.invited),
  moved: object({ room: text, members: count, epoch: text, last: count, reason: text }),
  notice: object({ time, from: text, text }),
  joined: object({ room: text, user: text }),
  left: object({ room: text, user: text }),
  reconnect: object({ after_ms: count }),
  bye: object({ code: text, message: text }),
} as const;

/** The fields of what answers a line. */
export const ANSWERS = {
  ok,
  error: object({ code: text, message: text, command: nullable(text) }),
  pong: object({ token: nullable(text) }),
  rooms: object({ rooms: list(object({ room: text, members: count })) }),
  users: object({ room: text, users: list(text) }),
  subscriptions: users,
  subscribers: users,
  blocks: users,
  history: object({ room: text, messages: list(historyEntry) }),
  room: object({
    room: text,
    topic: text,
    access: text,
    post: text,
    owner: nullable(text),
    moderators: list(text),
    role: text,
    created: nullable(time),
    retention: optional(count),
  }),
  sync: object({
    current: text,
    rooms: list(roomState),
    directs: list(directState),
    feeds: list(feedState),
    inbox: object({ epoch: text, last: count }),
    lost: list(object({ room: text, code: text })),
  }),
  backlog: object({ target: text, epoch: text, entries, more: flag }),
  inbox: object({ entries, more: flag }),
  tickets: object({ tickets: list(ticket) }),
  hooks: object({
    room: text,
    hooks: list(object({ id: text, label: text, by: text, made: time, url: optional(text) })),
  }),
  invitations: object({ invitations: list(invitation) }),
  help: object({ commands: list(object({ usage: text, help: text })) }),
} as const;

/** What may come at any time. */
export type ServerEvent = Tagged<'type', typeof EVENTS>;
/** What answers a line. */
export type Answer = Tagged<'type', typeof ANSWERS>;
export type AnswerOf<K extends Answer['type']> = Extract<Answer, { readonly type: K }>;
export type EventOf<K extends ServerEvent['type']> = Extract<ServerEvent, { readonly type: K }>;

/** One line of the server. */
export type Received =
  | { readonly is: 'event'; readonly event: ServerEvent }
  | { readonly is: 'answer'; readonly answer: Answer }
  /** A newer server sends what this client does not know: an event, or the answer to what a user typed. */
  | { readonly is: 'unknown' }
  /** This is not what a Parlor server sends. */
  | { readonly is: 'malformed' };

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}

/** Reads one line of the server. */
export function decode(line: string): Received {
  const value = parsed(line);
  const event = readTagged('type', EVENTS, value);
  if (typeof event === 'object') return { is: 'event', event };
  if (event === BAD) return { is: 'malformed' };
  const answer = readTagged('type', ANSWERS, value);
  if (typeof answer === 'object') return { is: 'answer', answer };
  return { is: answer === BAD ? 'malformed' : 'unknown' };
}
