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
