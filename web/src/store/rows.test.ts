// How entries become rows.
import { describe, expect, it } from 'vitest';
import type { OutboxItem } from '../connection/messages';
import { mentionOf } from '../protocol/mention';
import { recordOf, type LogRecord } from './records';
import { buildRows, type Presence, type RowsInput } from './rows';

const NOON = new Date(2026, 10, 28, 12).getTime();
const MINUTE = 60_000;

function said(id: number, from: string, time: number, text = `text ${id}`): LogRecord {
  return recordOf({ type: 'message', id, time, from, text });
}

function rows(input: Partial<RowsInput>) {
  return buildRows({
    me: 'alice',
    mention: mentionOf('alice'),
    records: [],
    holes: [],
    presence: [],
    newAfter: null,
    pending: [],
    keys: new Map(),
    ...input,
  });
}

/** What matters of rows, in short. */
function short(input: Partial<RowsInput>): string[] {
  return rows(input).map((row) => {
    if (row.kind === 'message') return `${row.startsGroup ? '*' : ''}${row.text}`;
    if (row.kind === 'presence') return `+${row.came.join()} -${row.went.join()}`;
    return row.kind === 'gap' ? `gap ${row.missing}` : row.kind;
  });
}

const item = (key: string, time: number): OutboxItem => ({
  key,
  target: '#red',
  text: key,
  time,
  delivery: { state: 'waiting' },
});

describe('rows', () => {
  it('begin a group with another author, after five minutes, and on another day', () => {
    const records = [
      said(1, 'bob', NOON),
      said(2, 'bob', NOON + MINUTE),
      said(3, 'carol', NOON + 2 * MINUTE),
      said(4, 'carol', NOON + 8 * MINUTE),
      said(5, 'carol', NOON + 13 * 60 * MINUTE),
    ];
    expect(short({ records })).toEqual(['day', '*text 1', 'text 2', '*text 3', '*text 4', 'day', '*text 5']);
  });

  it('have one day line, also if a clock goes back', () => {
    const records = [said(1, 'bob', NOON), said(2, 'bob', NOON - 24 * 60 * MINUTE), said(3, 'bob', NOON)];
    expect(short({ records }).filter((row) => row === 'day')).toHaveLength(1);
  });

  it('have the new line before the first unread message of somebody else', () => {
    const records = [
      said(1, 'bob', NOON),
      said(2, 'alice', NOON),
      said(3, 'bob', NOON),
      said(4, 'bob', NOON),
    ];
    expect(short({ records, newAfter: 1 })).toEqual([
      'day',
      '*text 1',
      '*text 2',
      'new',
      '*text 3',
      'text 4',
    ]);
    expect(short({ records, newAfter: 4 })).not.toContain('new');
  });

  it('show a gap where entries are missing', () => {
    const records = [said(1, 'bob', NOON), said(9, 'bob', NOON)];
    const holes = [
      { from: 2, to: 8 },
      { from: 10, to: 11 },
    ];
    expect(short({ records, holes })).toEqual(['day', '*text 1', 'gap 7', '*text 9', 'gap 2']);
  });

  it('fold who came and went at one place', () => {
    const records = [said(1, 'bob', NOON), said(2, 'bob', NOON)];
    const moved = (seq: number, after: number, user: string, came: boolean): Presence => ({
      seq,
      after,
      time: NOON,
      user,
      came,
    });
    const presence = [
      moved(1, 1, 'carol', true),
      moved(2, 1, 'dave', true),
      moved(3, 1, 'carol', false),
      moved(4, 1, 'erin', false),
      moved(5, 2, 'frank', true),
      moved(6, 2, 'frank', false),
    ];
    expect(short({ records, presence })).toEqual(['day', '*text 1', '+dave -erin', '*text 2']);
  });

  it('end with what waits, which keeps its key when it has an id', () => {
    const before = rows({ records: [said(1, 'alice', NOON)], pending: [item('k', NOON + 1)] });
    expect(before.at(-1)).toMatchObject({
      key: 'k',
      id: null,
      startsGroup: false,
      sendKey: 'k',
      isMine: true,
    });
    const after = rows({
      records: [said(1, 'alice', NOON), said(2, 'alice', NOON + 1)],
      keys: new Map([[2, 'k']]),
    });
    expect(after.at(-1)).toMatchObject({ key: 'k', id: 2, sendKey: null, delivery: { state: 'accepted' } });
  });

  it('take nothing that a program says for that of the user of its name', () => {
    const robot = (id: number, from: string) =>
      recordOf({ type: 'message', id, time: NOON, from, text: `text ${id}`, bot: true });
    const records = [said(1, 'alice', NOON), robot(2, 'alice'), robot(3, 'alice'), said(4, 'alice', NOON)];
    expect(short({ records })).toEqual(['day', '*text 1', '*text 2', 'text 3', '*text 4']);
    const marks = rows({ records }).map((row) => row.kind === 'message' && [row.isMine, row.isBot]);
    expect(marks.slice(1, 4)).toEqual([
      [true, false],
      [false, true],
      [false, true],
    ]);
    expect(short({ records, newAfter: 0 }).indexOf('new')).toBe(2);
  });

  it('know who mentions me, and that I do not', () => {
    const records = [said(1, 'bob', NOON, 'hi @Alice'), said(2, 'alice', NOON, 'I am alice')];
    expect(rows({ records }).map((row) => row.kind === 'message' && row.mentionsMe)).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('stay the same objects while nothing changes', () => {
    const records = [said(1, 'bob', NOON), said(2, 'bob', NOON)];
    const first = rows({ records });
    const second = rows({ records: [...records, said(3, 'bob', NOON)] });
    expect(second[1]).toBe(first[1]);
    expect(second[2]).toBe(first[2]);
  });

  it('tell topics, moderation and invitations', () => {
    const written = { time: NOON, from: 'bob' };
    const records = [
      recordOf({ type: 'topic', id: 1, ...written, text: 't' }),
      recordOf({
        type: 'moderated',
        id: 2,
        ...written,
        action: 'kick',
        user: 'carol',
        until: null,
        reason: 'r',
      }),
      recordOf({ type: 'invited', id: 3, ...written, to: 'alice', room: 'red' }),
    ];
    expect(rows({ records }).slice(1)).toEqual([
      { kind: 'topic', key: 'm1', time: NOON, by: 'bob', text: 't' },
      {
        kind: 'moderation',
        key: 'm2',
        time: NOON,
        by: 'bob',
        action: 'kick',
        user: 'carol',
        until: null,
        reason: 'r',
      },
      { kind: 'invitation', key: 'm3', time: NOON, by: 'bob', to: 'alice', room: 'red' },
    ]);
  });

  it('go on with a group for five minutes after its last message, whoever waits', () => {
    const records = [said(1, 'alice', NOON), said(2, 'alice', NOON + 5 * MINUTE)];
    const pending = [item('k', NOON + 10 * MINUTE), item('l', NOON + 15 * MINUTE + 1)];
    expect(short({ records, pending })).toEqual(['day', '*text 1', 'text 2', 'k', '*l']);
    expect(short({ pending: [item('k', NOON), item('l', NOON)] })).toEqual(['day', '*k', 'l']);
  });

  it('begin a group behind anything that is no message', () => {
    const other = recordOf({ type: 'topic', id: 2, time: NOON, from: 'bob', text: 't' });
    expect(short({ records: [said(1, 'bob', NOON), other, said(3, 'bob', NOON)] })).toEqual([
      'day',
      '*text 1',
      'topic',
      '*text 3',
    ]);
    const presence: Presence[] = [{ seq: 4, after: 1, time: NOON, user: 'eve', came: true }];
    const records = [said(1, 'bob', NOON), said(2, 'bob', NOON)];
    expect(short({ records, presence })).toEqual(['day', '*text 1', '+eve -', '*text 2']);
    expect(short({ records, newAfter: 1 })).toEqual(['day', '*text 1', 'new', '*text 2']);
  });

  it('have keys of their own', () => {
    const presence: Presence[] = [
      { seq: 4, after: 0, time: NOON, user: 'eve', came: true },
      { seq: 5, after: 0, time: NOON + 9, user: 'dan', came: true },
      { seq: 6, after: 1, time: NOON + 9, user: 'dan', came: false },
    ];
    const holes = [{ from: 2, to: 3 }];
    const all = rows({ records: [said(1, 'bob', NOON)], presence, holes, newAfter: 0 });
    expect(all.map(({ kind, key }) => [kind, key])).toEqual([
      ['day', expect.stringMatching(/^d\d+$/)],
      ['presence', 'p4'],
      ['new', 'new'],
      ['message', 'm1'],
      ['gap', 'g2'],
      ['presence', 'p6'],
    ]);
    expect(all[1]).toMatchObject({ time: NOON, came: ['eve', 'dan'], went: [] });
    expect(all[5]).toMatchObject({ time: NOON + 9, came: [], went: ['dan'] });
  });

  it('have no line for those who came and went again, not even one of a day', () => {
    const presence: Presence[] = [
      { seq: 1, after: 0, time: NOON, user: 'eve', came: true },
      { seq: 2, after: 0, time: NOON, user: 'eve', came: false },
    ];
    expect(short({ presence })).toEqual([]);
  });

  it('change only where a group begins somewhere else', () => {
    const [one, two] = [said(1, 'bob', NOON), said(2, 'bob', NOON)];
    const before = rows({ records: [one, two] });
    const after = rows({ records: [two] });
    expect(after[1]).not.toBe(before[2]);
    expect(after[1]).toMatchObject({ key: 'm2', startsGroup: true });
    const waits = [item('k', NOON)];
    expect(rows({ pending: waits })[1]).toBe(rows({ pending: waits })[1]);
    const topic = recordOf({ type: 'topic', id: 3, time: NOON, from: 'bob', text: 't' });
    expect(rows({ records: [topic] })[1]).toBe(rows({ records: [topic] })[1]);
  });

  it('tell of my messages that they are mine, and that they mention nobody', () => {
    const mine = rows({ records: [said(1, 'alice', NOON, 'alice')] })[1];
    expect(mine).toMatchObject({
      isMine: true,
      mentionsMe: false,
      sendKey: null,
      edited: null,
      removed: null,
    });
    const waits = rows({ pending: [{ ...item('k', NOON), text: 'alice' }] })[1];
    expect(waits).toMatchObject({
      isMine: true,
      mentionsMe: false,
      sendKey: 'k',
      delivery: { state: 'waiting' },
    });
  });
});
