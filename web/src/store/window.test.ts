// What is held of a log is what the log holds, whatever arrives in whatever order.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../protocol/entries';
import { changed, recordOf, type MessageRecord } from './records';
import { MOST_HELD, Window } from './window';

const said = (id: number, text = `text ${id}`): Entry => ({
  type: 'message',
  id,
  time: id,
  from: 'bob',
  text,
});
const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
const page = (from: number, to: number, more: boolean) => ({
  entries: range(from, to).map((id) => said(id)),
  more,
});
const ids = (window: Window) => window.records.map((record) => record.id);

/** A window of the newest page of a log of `last` messages. */
function newest(from: number, last: number): Window {
  const window = new Window();
  window.begin(page(from, last, from > 1), last);
  return window;
}

describe('a window', () => {
  it('holds the newest page, and what comes after it', () => {
    const window = newest(51, 100);
    window.live(101, said(101));
    window.live(101, said(101));
    window.live(100, said(100));
    expect(ids(window)).toEqual(range(51, 101));
    expect([window.lo, window.hi, window.atBeginning, window.holes]).toEqual([51, 101, false, []]);
  });

  it('has a hole where an id is missing, until it comes', () => {
    const window = newest(1, 10);
    window.live(13, said(13));
    expect(window.holes).toEqual([{ from: 11, to: 12 }]);
    window.live(12, said(12));
    expect(window.holes).toEqual([{ from: 11, to: 11 }]);
    window.live(11, said(11));
    expect(window.holes).toEqual([]);
    expect(ids(window)).toEqual(range(1, 13));
  });

  it('fills a hole by pages, and believes that nothing is there if a page says so', () => {
    const window = newest(1, 10);
    window.miss(30);
    const [hole] = window.holes;
    if (hole === undefined) throw new Error('no hole');
    window.fill(hole, page(11, 15, true));
    expect(window.holes).toEqual([{ from: 16, to: 30 }]);
    window.fill({ from: 16, to: 30 }, { entries: [said(20), said(40)], more: false });
    expect(window.holes).toEqual([]);
    expect(ids(window)).toEqual([...range(1, 15), 20]);
  });

  it('knows that entries of other conversations are no holes', () => {
    const window = newest(1, 3);
    window.live(4, null);
    window.live(5, said(5));
    window.reach(9);
    window.live(10, said(10));
    expect(window.holes).toEqual([]);
    expect(ids(window)).toEqual([1, 2, 3, 5, 10]);
  });

  it('lets go of the oldest when new ones come, and of the newest when older ones are loaded', () => {
    const window = newest(1, 10);
    for (const id of range(11, 10 + 2 * MOST_HELD)) window.live(id, said(id));
    expect(window.records.length).toBeLessThanOrEqual(MOST_HELD + 100);
    expect(window.atBeginning).toBe(false);
    expect(window.lo).toBe(ids(window)[0]);
    const { lo } = window;
    for (let from = lo - 50; from > 0 && window.attached; from -= 50)
      window.older(page(from, from + 49, true));
    expect(window.records).toHaveLength(MOST_HELD);
    expect(window.attached).toBe(false);
    expect(window.hi).toBe(ids(window).at(-1));
    window.live(5_000, said(5_000));
    expect(ids(window)).not.toContain(5_000);
    window.newer(page(window.hi + 1, window.hi + 20, false), window.hi + 20);
    expect(window.attached).toBe(true);
    expect(ids(window)).toEqual(range(window.lo, window.hi));
  });

  it('begins empty, and takes nothing before its first page', () => {
    const window = new Window();
    window.live(1, said(1));
    window.reach(5);
    expect([ids(window), window.lo, window.hi, window.attached]).toEqual([[], 1, 0, false]);
  });

  it('begins at its first entry if there is more, and ends at what was known', () => {
    const window = new Window();
    window.begin({ entries: [said(5), said(7)], more: true }, 9);
    expect([window.lo, window.hi, window.atBeginning, window.attached]).toEqual([5, 9, false, true]);
    window.begin({ entries: [said(5), said(7)], more: false }, 6);
    expect([window.lo, window.hi, window.atBeginning]).toEqual([1, 7, true]);
    window.begin({ entries: [], more: false }, 4);
    expect([ids(window), window.lo, window.hi]).toEqual([[], 1, 4]);
  });

  it('begins anew behind an id, and takes what is newer', () => {
    const window = newest(51, 100);
    window.live(105, said(105));
    window.beginAfter(20);
    expect([ids(window), window.holes, window.attached, window.atBeginning]).toEqual([[], [], false, false]);
    window.newer(page(21, 30, true), 105);
    expect([ids(window), window.lo, window.hi, window.attached]).toEqual([range(21, 30), 21, 30, false]);
  });

  it('keeps what it knows when that comes again', () => {
    const window = newest(51, 100);
    const { records } = window;
    for (const id of [100, 99, 51, 50, 1]) window.live(id, said(id, 'again'));
    expect(window.records).toBe(records);
    expect([window.lo, window.hi, window.holes]).toEqual([51, 100, []]);
  });

  it('lets go only of what is too much', () => {
    const all = newest(1, MOST_HELD - 10);
    all.older({ entries: [], more: false });
    expect([all.lo, all.atBeginning, all.attached]).toEqual([1, true, true]);
    const full = newest(11, MOST_HELD);
    full.older(page(1, 10, false));
    expect([full.records.length, full.attached, full.atBeginning]).toEqual([MOST_HELD, true, true]);
    const longer = newest(1, MOST_HELD + 100);
    longer.live(MOST_HELD + 100, null);
    expect(longer.records).toHaveLength(MOST_HELD + 100);
    longer.live(MOST_HELD + 101, said(MOST_HELD + 101));
    expect([longer.records.length, longer.lo]).toEqual([MOST_HELD, 102]);
    const newer = newest(1, MOST_HELD - 5);
    newer.attached = false;
    newer.newer(page(MOST_HELD - 4, MOST_HELD, false), MOST_HELD);
    expect([newer.records.length, newer.lo, newer.atBeginning]).toEqual([MOST_HELD, 1, true]);
  });

  it('lets go of holes with what they lie in, and of no others', () => {
    const window = newest(1, 10);
    window.live(13, said(13));
    for (const id of range(14, MOST_HELD + 90)) window.live(id, said(id));
    window.live(MOST_HELD + 95, said(MOST_HELD + 95));
    for (const id of range(MOST_HELD + 96, MOST_HELD + 130)) window.live(id, said(id));
    expect(window.holes).toEqual([{ from: MOST_HELD + 91, to: MOST_HELD + 94 }]);
    const older = newest(1001, 1010);
    older.miss(1020);
    older.live(1021, said(1021));
    for (let from = 951; from > 500; from -= 50) older.older(page(from, from + 49, true));
    expect([older.attached, older.holes, older.records.length]).toEqual([false, [], MOST_HELD]);
  });

  it('goes on behind its end by pages', () => {
    const window = newest(1, 10);
    window.attached = false;
    window.newer(page(11, 20, true), 99);
    expect([window.hi, window.attached]).toEqual([20, false]);
    window.newer({ entries: [said(25)], more: false }, 99);
    expect([window.hi, window.attached, ids(window).at(-1)]).toEqual([99, true, 25]);
    const empty = newest(1, 10);
    empty.attached = false;
    empty.newer({ entries: [], more: false }, 8);
    expect([empty.hi, empty.attached]).toEqual([10, true]);
  });

  it('begins where the log does if nothing older is there', () => {
    const window = newest(51, 100);
    window.older({ entries: [said(20), said(30)], more: true });
    expect([window.lo, window.atBeginning]).toEqual([20, false]);
    window.older({ entries: [said(10)], more: false });
    expect([window.lo, window.atBeginning]).toEqual([1, true]);
    const other = newest(51, 100);
    other.older({ entries: [], more: true });
    expect([other.lo, other.atBeginning]).toEqual([1, true]);
  });

  it('knows whether it holds all behind an id', () => {
    const window = newest(51, 100);
    expect([49, 50, 51].map((id) => window.holdsAfter(id, 100))).toEqual([false, true, true]);
    expect(window.holdsAfter(50, 101)).toBe(false);
    window.miss(105);
    expect([104, 105].map((id) => window.holdsAfter(id, 105))).toEqual([false, true]);
    window.attached = false;
    expect(window.holdsAfter(105, 105)).toBe(false);
  });

  it('finds its records by their ids', () => {
    const window = newest(51, 60);
    expect(window.after(57).map(({ id }) => id)).toEqual([58, 59, 60]);
    expect(window.after(60)).toEqual([]);
    expect([window.find(51)?.id, window.find(60)?.id, window.find(50), window.find(61)]).toEqual([
      51,
      60,
      undefined,
      undefined,
    ]);
  });

  it('takes of a page only what it does not know', () => {
    const window = newest(1, 10);
    window.miss(20);
    window.live(21, said(21));
    const known = window.find(10);
    window.fill(
      { from: 11, to: 20 },
      { entries: [said(10, 'again'), said(12), said(21, 'again')], more: true },
    );
    expect([window.find(10), ids(window).slice(-3)]).toEqual([known, [10, 12, 21]]);
    expect(window.holes).toEqual([]);
    const half = newest(1, 10);
    half.miss(20);
    half.fill({ from: 11, to: 20 }, { entries: [said(12)], more: true });
    expect(half.holes).toEqual([{ from: 13, to: 20 }]);
    half.fill({ from: 13, to: 20 }, { entries: [], more: true });
    expect(half.holes).toEqual([]);
  });

  it('is the log in the end, in whatever order its parts come', () => {
    const arbitrary = fc.record({
      from: fc.integer({ min: 1, max: 20 }),
      order: fc.shuffledSubarray(range(31, 60)),
      lost: fc.boolean(),
    });
    fc.assert(
      fc.property(arbitrary, ({ from, order, lost }) => {
        const window = newest(from, 30);
        for (const id of order) window.live(id, said(id));
        if (lost) window.miss(60);
        const { hi } = window;
        for (let hole = window.holes[0]; hole !== undefined; hole = window.holes[0]) {
          const to = Math.min(hole.to + 1, hole.from + 2, hi);
          window.fill(hole, page(hole.from, to, to < hi));
        }
        expect(ids(window)).toEqual(range(from, hi));
      }),
    );
  });
});

describe('changes', () => {
  const edit = (id: number, of: number, text: string): Entry => ({
    type: 'edited',
    id,
    time: id,
    from: 'bob',
    of,
    text,
  });
  const removal = (id: number, of: number): Entry => ({
    type: 'removed',
    id,
    time: id,
    from: 'carol',
    of,
    reason: 'r',
  });
  const first = (window: Window) => window.find(1) as MessageRecord;

  it('are applied to messages that are held, and take up an id', () => {
    const window = newest(1, 3);
    window.live(4, edit(4, 1, 'better'));
    expect(first(window)).toMatchObject({ text: 'better', edited: 4, removed: null });
    window.live(5, removal(5, 1));
    expect(first(window)).toMatchObject({ text: '', removed: { by: 'carol', reason: 'r' } });
    expect([window.hi, window.records.length, window.holes]).toEqual([5, 3, []]);
  });

  it('are applied also where the window does not reach the end', () => {
    const window = newest(1, 3);
    window.attached = false;
    window.live(900, edit(900, 1, 'better'));
    expect(first(window).text).toBe('better');
  });

  it('in a page say nothing if they were changed again', () => {
    const window = newest(1, 3);
    window.miss(6);
    window.fill(
      { from: 4, to: 6 },
      { entries: [edit(4, 1, ''), edit(5, 1, 'last'), removal(6, 2)], more: false },
    );
    expect(first(window)).toMatchObject({ text: 'last', edited: 5 });
    expect(window.find(2)).toMatchObject({ text: '', removed: { by: 'carol' } });
  });

  it('that are older than what is applied have no effect', () => {
    const entry = said(1);
    if (entry.type !== 'message') throw new Error(entry.type);
    const record = recordOf(entry);
    if (record.kind !== 'message') throw new Error(record.kind);
    const newer = changed(record, { type: 'edited', id: 9, time: 9, from: 'bob', of: 1, text: 'new' });
    expect(changed(newer, { type: 'edited', id: 8, time: 8, from: 'bob', of: 1, text: 'old' })).toBe(newer);
  });
});
