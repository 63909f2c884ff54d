// The part of a log that is held: all entries of one conversation from `lo` to `hi`, except those in holes. A log may
// hold other conversations too (the inbox), so the ids of entries here need not be adjacent; what is known is told by
// `lo`, `hi` and the holes alone.
import type { Entry } from '../protocol/entries';
import { changed, isChange, recordOf, type LogRecord } from './records';

/** Entries held at most; beyond that, those at the far end are let go. */
export const MOST_HELD = 400;
/** Entries that are let go at once, so that it does not happen at each message. */
const SLACK = 100;

/** Ids that may have entries which are not known, both ends included. */
export interface Hole {
  readonly from: number;
  readonly to: number;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** Whether the log keeps more in the direction of the page. */
  readonly more: boolean;
}

export class Window {
  records: readonly LogRecord[] = [];
  lo = 1;
  hi = 0;
  holes: readonly Hole[] = [];
  /** Whether it reaches the end of the log, so that what arrives belongs to it. */
  attached = false;
  /** Whether the log keeps nothing before `lo`. */
  atBeginning = false;

  /** Begins with the newest page. `last` is the newest id of the log that was known when the page was asked for. */
  begin({ entries, more }: Page, last: number): void {
    this.records = [];
    this.holes = [];
    this.lo = more ? (entries[0]?.id ?? 1) : 1;
    this.hi = Math.max(last, entries.at(-1)?.id ?? 0);
    this.attached = true;
    this.atBeginning = !more;
    this.add(entries);
  }

  /** Lets go of everything, and begins behind an id. What comes then is a page of newer entries. */
  beginAfter(id: number): void {
    Object.assign(this, new Window(), { lo: id + 1, hi: id });
  }

  /** An entry of the log was accepted; null if it belongs to another conversation. */
  live(id: number, entry: Entry | null): void {
    if (entry !== null && isChange(entry)) this.change(entry);
    if (!this.attached || id < this.lo) return;
    if (id > this.hi) {
      if (id > this.hi + 1) this.miss(id - 1);
      this.hi = id;
    } else if (!this.inHole(id)) {
      return;
    } else {
      this.known(id, id);
    }
    if (entry !== null) this.add([entry]);
    if (this.records.length > MOST_HELD + SLACK) this.letGoOldest();
  }

  /** Entries up to `last` exist, or may. */
  miss(last: number): void {
    if (last <= this.hi) return;
    this.holes = [...this.holes, { from: this.hi + 1, to: last }];
    this.hi = last;
  }

  /** Nothing of this conversation lies between `hi` and `last`. */
  reach(last: number): void {
    if (this.attached) this.hi = Math.max(this.hi, last);
  }

  /** A page from the beginning of a hole. */
  fill(hole: Hole, { entries, more }: Page): void {
    const to = more ? (entries.at(-1)?.id ?? hole.to) : hole.to;
    this.add(entries.filter(({ id }) => this.inHole(id)));
    for (const entry of entries) if (isChange(entry)) this.change(entry);
    this.known(hole.from, to);
  }

  /** A page of entries before `lo`. */
  older({ entries, more }: Page): void {
    const first = entries[0];
    this.lo = more && first !== undefined ? first.id : 1;
    this.atBeginning = !more || first === undefined;
    this.add(entries);
    if (this.records.length > MOST_HELD) this.letGoNewest();
  }

  /** A page of entries after `hi`, asked for when `last` was the newest id of the log. */
  newer({ entries, more }: Page, last: number): void {
    const newest = entries.at(-1)?.id ?? this.hi;
    this.hi = Math.max(this.hi, more ? newest : Math.max(newest, last));
    this.attached = !more;
    this.add(entries);
    if (this.records.length > MOST_HELD) this.letGoOldest();
  }

  /** The records after an id, oldest first. */
  after(id: number): readonly LogRecord[] {
    return this.records.slice(this.place(id + 1));
  }

  /** Whether all entries after `id`, up to `newest`, are held. */
  holdsAfter(id: number, newest: number): boolean {
    const isWhole = this.lo <= id + 1 && this.holes.every((hole) => hole.to <= id);
    return this.attached && isWhole && this.hi >= newest;
  }

  find(id: number): LogRecord | undefined {
    const found = this.records[this.place(id)];
    return found?.id === id ? found : undefined;
  }

  private inHole(id: number): boolean {
    return this.holes.some((hole) => hole.from <= id && id <= hole.to);
  }

  private known(from: number, to: number): void {
    this.holes = this.holes
      .flatMap((hole) => [
        { from: hole.from, to: Math.min(hole.to, from - 1) },
        { from: Math.max(hole.from, to + 1), to: hole.to },
      ])
      .filter((hole) => hole.from <= hole.to);
  }

  /** The index of the first record with this id or a larger one. */
  private place(id: number): number {
    let low = 0;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.records[middle]?.id ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes entries, oldest first. Changes are applied after the messages that they change. */
  private add(entries: readonly Entry[]): void {
    const records = entries.flatMap((entry) => (isChange(entry) ? [] : [recordOf(entry)]));
    const first = records[0];
    if (first !== undefined) {
      const at = this.place(first.id);
      const ids = new Set(records.map((record) => record.id));
      const behind = this.records.slice(at).filter((record) => !ids.has(record.id));
      const added = [...behind, ...records].sort((a, b) => a.id - b.id);
      this.records = [...this.records.slice(0, at), ...added];
    }
    for (const entry of entries) if (isChange(entry)) this.change(entry);
  }

  private change(change: Parameters<typeof changed>[1]): void {
    const at = this.place(change.of);
    const record = this.records[at];
    if (record?.id !== change.of || record.kind !== 'message') return;
    const now = changed(record, change);
    if (now !== record) this.records = this.records.with(at, now);
  }

  private letGoOldest(): void {
    this.records = this.records.slice(-MOST_HELD);
    this.lo = this.records[0]?.id ?? this.hi + 1;
    this.atBeginning = false;
    this.holes = this.holes.filter((hole) => hole.to >= this.lo);
  }

  private letGoNewest(): void {
    this.records = this.records.slice(0, MOST_HELD);
    this.hi = this.records.at(-1)?.id ?? this.lo - 1;
    this.attached = false;
    this.holes = this.holes.filter((hole) => hole.from <= this.hi);
  }
}
