// The replies to commands that were carried out (`ok`), by their `command`.
import { count, either, flag, list, nullable, object, optional, text, time, type Tagged } from './schema';

const entered = { room: text, members: count, epoch: text, last: count };
const loggedIn = object({ user: text, room: text, epoch: text, last: count });
const aboutUser = object({ user: text });
const aboutRoomUser = object({ room: text, user: text, id: count });
const nothing = object({});

/** The fields of each `ok`. */
export const REPLIES = {
  login: loggedIn,
  register: loggedIn,
  join: object(entered),
  leave: object({ left: text, ...entered }),
  open: object({ ...entered, topic: text }),
  close: object({ room: text, current: text }),
  switch: object({ room: text }),
  read: object({ target: text, id: count }),
  message: object({ room: text, id: count, repeated: optional(flag) }),
  publish: object({ id: count, repeated: optional(flag) }),
  msg: object({ user: text, id: count, repeated: optional(flag) }),
  edit: object({ room: text, id: count, of: count, repeated: optional(flag) }),
  remove: object({ room: text, id: count, of: count }),
  topic: object({ room: text, topic: text, id: optional(count) }),
  access: object({ room: text, access: text, id: count }),
  post: object({ room: text, post: text, id: count }),
  retention: object({ room: text, retention: nullable(count), id: count }),
  invite: either(
    object({ room: text, user: text, id: count, inbox: count }),
    object({ uses: count, rooms: list(text), expires: time }),
  ),
  kick: aboutRoomUser,
  ban: aboutRoomUser,
  unban: aboutRoomUser,
  mute: aboutRoomUser,
  unmute: aboutRoomUser,
  moderator: aboutRoomUser,
  unmoderator: aboutRoomUser,
  owner: aboutRoomUser,
  subscribe: aboutUser,
  unsubscribe: aboutUser,
  block: aboutUser,
  unblock: aboutUser,
  suspend: aboutUser,
  unsuspend: aboutUser,
  format: object({ format: text }),
  ticket: object({ ticket: text, id: text, expires: nullable(time) }),
  revoke: object({ id: text, count }),
  invitation: object({ code: text, id: text, uses: count, rooms: list(text), expires: time }),
  hook: object({ room: text, label: text, id: text, url: text }),
  outhook: object({ room: text, id: text, url: text, secret: text }),
  unhook: object({ room: text, id: text }),
  uninvite: object({ id: text }),
  broadcast: nothing,
  passwd: nothing,
} as const;

/** What an `ok` says. */
export type Ok = Tagged<'command', typeof REPLIES>;
