// What the store keeps of an entry of a log. Records are immutable: a changed message is a new record, so what was
// made of a record can be kept with it.
import { isBot } from '../protocol/bot';
import type { Entry } from '../protocol/entries';

export interface MessageRecord {
  readonly kind: 'message';
  readonly id: number;
  readonly time: number;
  readonly from: string;
  /** Whether a program said it. */
  readonly isBot: boolean;
  readonly text: string;
  readonly edited: number | null;
  readonly removed: { readonly by: string | null; readonly reason: string | null } | null;
  /** The id of the edit or removal that was applied last; 0 if none was. */
  readonly change: number;
}

export interface OtherRecord {
  readonly kind: 'other';
  readonly id: number;
  readonly time: number;
  readonly from: string;
  readonly entry: Extract<Entry, { readonly type: 'topic' | 'moderated' | 'invited' }>;
}

/** An entry that is shown as a row. */
export type LogRecord = MessageRecord | OtherRecord;

export type Change = Extract<Entry, { readonly type: 'edited' | 'removed' }>;

export function isChange(entry: Entry): entry is Change {
  return entry.type === 'edited' || entry.type === 'removed';
}

/** What is kept of an entry that is no change. */
export function recordOf(entry: Exclude<Entry, Change>): LogRecord {
  const { id, time, from } = entry;
  if (entry.type === 'topic' || entry.type === 'moderated' || entry.type === 'invited')
    return { kind: 'other', id, time, from, entry };
  const said = entry.type === 'direct' ? {} : { edited: entry.edited, removed: entry.removed };
  return {
    kind: 'message',
    id,
    time,
    from,
    isBot: isBot(entry),
    text: entry.text,
    edited: said.edited ?? null,
    removed: said.removed === true ? { by: null, reason: null } : null,
    change: 0,
  };
}

/**
 * The message after an edit or a removal. In a page of a log, an edit that was edited again has an empty text, and
 * says nothing; a message in the same page reads as it does now already.
 */
export function changed(record: MessageRecord, change: Change): MessageRecord {
  if (change.id <= record.change) return record;
  if (change.type === 'removed')
    return {
      ...record,
      text: '',
      removed: { by: change.from, reason: change.reason === '' ? null : change.reason },
      change: change.id,
    };
  if (change.text === '' || record.removed !== null) return record;
  return { ...record, text: change.text, edited: change.time, change: change.id };
}
