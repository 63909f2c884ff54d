// The entries of logs, as `/backlog` and `/inbox` list them: their live events without the room.
import { count, flag, nullable, object, optional, text, time, type Tagged } from './schema';

const written = { id: count, time, from: text };
const said = { ...written, text, edited: optional(time), removed: optional(flag), bot: optional(flag) };

/** The fields of each kind of entry. */
export const ENTRY_FIELDS = {
  message: said,
  publication: said,
  direct: { ...written, to: text, text },
  edited: { ...written, of: count, text },
  removed: { ...written, of: count, reason: text },
  topic: { ...written, text },
  moderated: { ...written, action: text, user: nullable(text), until: nullable(time), reason: text },
  invited: { ...written, to: optional(text), room: text },
} as const;

/** The kinds of entries, by their `type`. */
export const ENTRIES = {
  message: object(ENTRY_FIELDS.message),
  publication: object(ENTRY_FIELDS.publication),
  direct: object(ENTRY_FIELDS.direct),
  edited: object(ENTRY_FIELDS.edited),
  removed: object(ENTRY_FIELDS.removed),
  topic: object(ENTRY_FIELDS.topic),
  moderated: object(ENTRY_FIELDS.moderated),
  invited: object(ENTRY_FIELDS.invited),
} as const;

/** An entry of a log. */
export type Entry = Tagged<'type', typeof ENTRIES>;
