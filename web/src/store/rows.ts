// Makes the rows of a conversation of what is held: day lines, groups, the new line, gaps, folded presence, and my
// messages that wait. Rows that did not change stay the same objects.
import type { OutboxItem } from '../connection/messages';
import type { MessageRow, ModerationRow, PresenceRow, Row } from './model';
import type { LogRecord, MessageRecord, OtherRecord } from './records';
import type { Hole } from './window';

/** Ms without a message after which the next one begins a group. */
const GROUP = 5 * 60_000;

/** Somebody came or went. */
export interface Presence {
  /** Counts up in the conversation. */
  readonly seq: number;
  /** The newest id of the log at that time: where it stands. */
  readonly after: number;
  readonly time: number;
  readonly user: string;
  readonly came: boolean;
}

export interface RowsInput {
  readonly me: string;
  readonly mention: RegExp;
  readonly records: readonly LogRecord[];
  readonly holes: readonly Hole[];
  readonly presence: readonly Presence[];
  /** The id behind which the new line stands; null if there is none. */
  readonly newAfter: number | null;
  readonly pending: readonly OutboxItem[];
  /** Keys of rows of messages that waited in this tab before they got an id. */
  readonly keys: ReadonlyMap<number, string>;
}

const kept = new WeakMap<LogRecord | OutboxItem, Row>();

function dayOf(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** Whether a record is a message of somebody else. */
export function isOthers(record: LogRecord, me: string): record is MessageRecord {
  return record.kind === 'message' && (record.isBot || record.from !== me);
}

class Builder {
  readonly rows: Row[] = [];
  private day = -Infinity;
  /** Who said the row before; empty if that was nobody. A program may have the name of a user. */
  private author = '';
  private time = 0;
  private newDone = false;

  constructor(private readonly input: RowsInput) {
    this.newDone = input.newAfter === null;
  }

  private dayLine(time: number): void {
    const day = dayOf(time);
    if (day <= this.day) return;
    this.day = day;
    this.author = '';
    this.rows.push({ kind: 'day', key: `d${day}`, time: day });
  }

  private newLine(record: LogRecord): void {
    if (this.newDone || record.id <= (this.input.newAfter ?? 0)) return;
    if (!isOthers(record, this.input.me)) return;
    this.newDone = true;
    this.author = '';
    this.rows.push({ kind: 'new', key: 'new' });
  }

  record(record: LogRecord): void {
    this.dayLine(record.time);
    this.newLine(record);
    if (record.kind === 'other') {
      this.author = '';
      this.rows.push(otherRow(record));
    } else {
      const author = record.isBot ? `bot ${record.from}` : record.from;
      this.message(author, record.time, record, (startsGroup) => this.messageRow(record, startsGroup));
    }
  }

  item(item: OutboxItem): void {
    this.dayLine(item.time);
    this.message(this.input.me, item.time, item, (startsGroup) => ({
      kind: 'message',
      key: item.key,
      id: null,
      author: this.input.me,
      isBot: false,
      isMine: true,
      time: item.time,
      text: item.text,
      startsGroup,
      mentionsMe: false,
      edited: null,
      removed: null,
      delivery: item.delivery,
      sendKey: item.key,
    }));
  }

  gap(hole: Hole): void {
    this.author = '';
    this.rows.push({ kind: 'gap', key: `g${hole.from}`, missing: hole.to - hole.from + 1 });
  }

  /** One row for all who came and went at one place. */
  presence(some: readonly Presence[]): void {
    const first = some[0];
    if (first === undefined) return;
    const balance = new Map<string, number>();
    for (const { user, came } of some) balance.set(user, (balance.get(user) ?? 0) + (came ? 1 : -1));
    const who = (sign: number) =>
      [...balance].filter(([, sum]) => Math.sign(sum) === sign).map(([user]) => user);
    const row: PresenceRow = {
      kind: 'presence',
      key: `p${first.seq}`,
      time: first.time,
      came: who(1),
      went: who(-1),
    };
    if (row.came.length + row.went.length === 0) return;
    this.dayLine(first.time);
    this.author = '';
    this.rows.push(row);
  }

  private message(
    author: string,
    time: number,
    source: LogRecord | OutboxItem,
    make: (startsGroup: boolean) => MessageRow,
  ): void {
    const startsGroup = author !== this.author || time - this.time > GROUP;
    this.author = author;
    this.time = time;
    const before = kept.get(source);
    const row = before?.kind === 'message' && before.startsGroup === startsGroup ? before : make(startsGroup);
    kept.set(source, row);
    this.rows.push(row);
  }

  private messageRow(record: MessageRecord, startsGroup: boolean): MessageRow {
    const isMine = !isOthers(record, this.input.me);
    return {
      kind: 'message',
      key: this.input.keys.get(record.id) ?? `m${record.id}`,
      id: record.id,
      author: record.from,
      isBot: record.isBot,
      isMine,
      time: record.time,
      text: record.text,
      startsGroup,
      mentionsMe: !isMine && this.input.mention.test(record.text),
      edited: record.edited,
      removed: record.removed,
      delivery: { state: 'accepted' },
      sendKey: null,
    };
  }
}

function otherRow(record: OtherRecord): Row {
  const before = kept.get(record);
  if (before !== undefined) return before;
  const row = makeOther(record);
  kept.set(record, row);
  return row;
}

function makeOther({ id, time, from, entry }: OtherRecord): Row {
  const base = { key: `m${id}`, time, by: from };
  switch (entry.type) {
    case 'topic':
      return { kind: 'topic', ...base, text: entry.text };
    case 'invited':
      return { kind: 'invitation', ...base, to: entry.to ?? '', room: entry.room };
    case 'moderated': {
      const { action, user, until, reason } = entry;
      return { kind: 'moderation', ...base, action, user, until, reason } satisfies ModerationRow;
    }
  }
}

export function buildRows(input: RowsInput): readonly Row[] {
  const builder = new Builder(input);
  const { presence, holes } = input;
  let hole = 0;
  let seen = 0;
  /** What stands before the entry with this id. */
  const before = (id: number) => {
    for (let next = holes[hole]; next !== undefined && next.from < id; next = holes[++hole])
      builder.gap(next);
    const start = seen;
    while ((presence[seen]?.after ?? Infinity) < id) seen++;
    builder.presence(presence.slice(start, seen));
  };
  for (const record of input.records) {
    before(record.id);
    builder.record(record);
  }
  before(Infinity);
  for (const item of input.pending) builder.item(item);
  return builder.rows;
}
