// What one conversation counts and shows, entry by entry.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import type { OutboxItem } from '../connection/messages';
import type { Entry } from '../protocol/entries';
import { mentionOf } from '../protocol/mention';
import type { ConversationId } from '../protocol/target';
import { Conversation } from './conversation';
import type { RoomInfo } from './model';

const said = (id: number, from = 'bob', text = `text ${id}`): Entry => ({
  type: 'message',
  id,
  time: 100 + id,
  from,
  text,
});
const topic = (id: number): Entry => ({ type: 'topic', id, time: 100 + id, from: 'bob', text: 't' });

interface Made {
  readonly room: Conversation;
  readonly outbox: { value: readonly OutboxItem[] };
  readonly muted: { value: boolean };
}

function make(id: ConversationId = '#red'): Made {
  const outbox = signal<readonly OutboxItem[]>([]);
  const muted = signal(false);
  const around = { me: 'alice', mention: mentionOf('alice'), isMuted: () => muted.value, outbox };
  return { room: new Conversation(id, { epoch: 'e', last: 0 }, around), outbox, muted };
}

/** A conversation with the newest page of a log: these entries, of which the last one was known. */
function loaded(entries: readonly Entry[], more = false, id: ConversationId = '#red'): Conversation {
  const { room } = make(id);
  const last = entries.at(-1)?.id ?? 0;
  room.log.last = last;
  room.begin({ entries, more }, last, []);
  return room;
}

/** Hears an entry as the book does. */
function hear(room: Conversation, entry: Entry): boolean {
  room.live(entry.id, entry);
  return room.count(entry);
}

const texts = (room: Conversation) =>
  room.rows.value.flatMap((row) => (row.kind === 'message' ? [row.text] : []));

describe('the first page', () => {
  it('tells whether there is more, and that it is the end', () => {
    const whole = loaded([said(1)]);
    expect([whole.loaded.value, whole.older.value, whole.newer.value]).toEqual([true, 'end', 'end']);
    expect(loaded([said(5)], true).older.value).toBe('more');
  });

  it('is followed by what was heard while it was on its way', () => {
    const { room } = make();
    room.begin({ entries: [said(1)], more: false }, 1, [
      [2, said(2)],
      [3, null],
      [4, said(4)],
    ]);
    expect(texts(room)).toEqual(['text 1', 'text 2', 'text 4']);
    expect(room.window.holes).toEqual([]);
  });

  it('is counted if all that is unread is in it', () => {
    const { room } = make();
    room.read = 1;
    room.unread.value = 9;
    room.newBelow.value = 4;
    room.begin(
      { entries: [said(1), said(2), said(3, 'alice'), topic(4), said(5, 'bob', 'alice!')], more: false },
      5,
      [],
    );
    expect([room.unread.value, room.counted, room.newest, room.activity.value, room.newBelow.value]).toEqual([
      2, 5, 5, 105, 0,
    ]);
    expect([...room.mentions.value]).toEqual([5]);
  });

  it('is not counted if something unread lies before it', () => {
    const { room } = make();
    room.unread.value = 9;
    room.begin({ entries: [said(5), said(6)], more: true }, 6, []);
    expect(room.unread.value).toBe(9);
  });

  it('shows no mention that was read', () => {
    const { room } = make();
    room.read = 2;
    room.begin({ entries: [said(2, 'bob', 'alice'), said(3, 'alice', 'alice')], more: false }, 3, []);
    expect(room.mentions.value.size).toBe(0);
  });
});

describe('what is heard', () => {
  it('is kept for the first page, and is not shown before it', () => {
    const { room } = make();
    room.live(1, said(1));
    expect([texts(room), room.newest, room.activity.value]).toEqual([[], 1, 101]);
    room.early = [];
    room.live(2, said(2));
    room.live(3, null);
    expect(room.early.map(([id, entry]) => [id, entry?.id])).toEqual([
      [2, 2],
      [3, undefined],
    ]);
    expect(room.newest).toBe(2);
  });

  it('changes the rows, and neither its newest entry nor its time goes back', () => {
    const room = loaded([said(1), said(5)]);
    expect(texts(room)).toHaveLength(2);
    room.live(6, { ...said(6), time: 50 });
    expect(texts(room)).toHaveLength(3);
    expect([room.newest, room.activity.value]).toEqual([6, 105]);
    room.live(4, said(4));
    expect(room.newest).toBe(6);
  });

  it('is unread once, if somebody else says it, behind the mark', () => {
    const room = loaded([said(1)]);
    room.setRead(3);
    expect(hear(room, said(2))).toBe(false);
    expect(hear(room, said(3))).toBe(false);
    expect(hear(room, said(4))).toBe(true);
    expect(hear(room, said(4))).toBe(false);
    expect(hear(room, said(5, 'alice'))).toBe(false);
    expect(hear(room, topic(6))).toBe(false);
    expect([room.unread.value, room.counted]).toEqual([1, 6]);
  });

  it('is unread if a program says it, also under my name', () => {
    const room = loaded([said(1)]);
    room.setRead(1);
    expect(hear(room, { ...said(2, 'alice', 'alice, the disk is full'), bot: true } as Entry)).toBe(true);
    expect(room.summary.value).toMatchObject({ unread: 1, mentions: 1 });
  });

  it('is a mention if it has my name, or is for me alone', () => {
    const room = loaded([]);
    hear(room, said(1));
    hear(room, said(2, 'bob', 'hi alice'));
    expect([...room.mentions.value]).toEqual([2]);
    expect(room.summary.value).toMatchObject({ unread: 2, mentions: 1 });
    const direct = loaded([], false, '@bob');
    hear(direct, { type: 'direct', id: 1, time: 1, from: 'bob', to: 'alice', text: 'hi' });
    expect(direct.summary.value.mentions).toBe(1);
    const feed = loaded([], false, '+bob');
    expect(feed.concernsMe({ type: 'publication', id: 1, time: 1, from: 'bob', text: 'alice' })).toBe(false);
    expect(room.concernsMe(topic(1))).toBe(false);
    expect(room.concernsMe(said(1, 'alice', 'alice'))).toBe(false);
  });

  it('is counted below while the view stands elsewhere, or the end is not held', () => {
    const room = loaded([said(1)]);
    hear(room, said(2));
    expect(room.newBelow.value).toBe(0);
    room.follows = false;
    hear(room, said(3));
    expect(room.newBelow.value).toBe(1);
    room.follows = true;
    room.window.attached = false;
    hear(room, said(4));
    expect(room.newBelow.value).toBe(2);
  });
});

describe('a mark', () => {
  it('moves forward only', () => {
    const room = loaded([said(1), said(2), said(3)]);
    room.setRead(2);
    room.setRead(1);
    expect([room.read, room.unread.value]).toEqual([2, 1]);
    room.setRead(3);
    expect([room.read, room.unread.value]).toEqual([3, 0]);
  });

  it('takes away what is known to lie before it, where not all is held', () => {
    const { room } = make();
    room.recount(200, 100, 50);
    room.newest = 200;
    room.begin({ entries: [said(150), said(151, 'alice'), said(152), said(200)], more: true }, 200, []);
    room.window.miss(300);
    room.newest = 300;
    room.setRead(151);
    expect(room.unread.value).toBe(49);
    room.setRead(152);
    expect(room.unread.value).toBe(48);
    room.recount(200, 152, 0);
    room.setRead(153);
    expect(room.unread.value).toBe(0);
  });

  it('forgets mentions up to it', () => {
    const room = loaded([said(1, 'bob', 'alice'), said(2, 'bob', 'alice'), said(3, 'bob', 'alice')]);
    const before = room.mentions.value;
    room.setRead(2);
    expect([...room.mentions.value]).toEqual([3]);
    const after = room.mentions.value;
    expect(after).not.toBe(before);
    room.recount(3, 2, 1);
    expect(room.mentions.value).toBe(after);
    room.recount(3, 3, 0);
    expect([room.mentions.value.size, room.counted, room.read]).toEqual([0, 3, 3]);
  });
});

describe('the line above what is new', () => {
  const lineIn = (room: Conversation) => room.rows.value.findIndex((row) => row.kind === 'new');

  it('is there only if nothing new lies before what is held', () => {
    const room = loaded([said(5), said(6)], true);
    room.newAfter.value = 3;
    expect(lineIn(room)).toBe(-1);
    room.window.older({ entries: [said(2), said(3), said(4)], more: true });
    room.touch();
    expect(room.rows.value.map((row) => row.kind)).toEqual([
      'day',
      'message',
      'message',
      'new',
      'message',
      'message',
      'message',
    ]);
    const exact = loaded([said(4), said(5)], true);
    exact.newAfter.value = 3;
    expect(lineIn(exact)).toBe(1);
  });
});

describe('people of a room', () => {
  const info: RoomInfo = {
    topic: '',
    access: 'private',
    post: 'everyone',
    owner: 'zoe',
    moderators: ['mia', 'kim'],
    role: 'member',
    created: null,
  };

  it('come once and go', () => {
    const room = loaded([said(1)]);
    room.moved('eve', true, 1);
    expect([room.users.value, room.memberCount.value]).toEqual([null, null]);
    room.users.value = ['bob'];
    room.memberCount.value = 1;
    room.moved('eve', true, 1);
    room.moved('eve', true, 1);
    expect([room.users.value, room.memberCount.value]).toEqual([['bob', 'eve'], 3]);
    room.moved('bob', false, 1);
    expect([room.users.value, room.memberCount.value]).toEqual([['eve'], 2]);
    expect(room.rows.value.at(-1)).toMatchObject({ kind: 'presence', came: ['eve'], went: ['bob'] });
  });

  it('are remembered as coming and going at the place where it was, and not for ever', () => {
    const room = loaded([said(1)]);
    for (let count = 0; count < 250; count++) room.moved(`user-${count}`, true, 1);
    const row = room.rows.value.at(-1);
    expect(row?.kind === 'presence' && [row.came.length, row.came[0]]).toEqual([200, 'user-50']);
    room.log.last = 9;
    room.moved('late', true, 1);
    expect(JSON.stringify(room.rows.value)).not.toContain('late');
  });

  it('are sorted by what they may do, then by name', () => {
    const { room } = make();
    expect(room.members.value).toBeNull();
    room.users.value = ['bob', 'alice', 'mia', 'zoe', 'kim'];
    expect(room.members.value?.map(({ user, role }) => [user, role])).toEqual([
      ['alice', null],
      ['bob', null],
      ['kim', null],
      ['mia', null],
      ['zoe', null],
    ]);
    room.info.value = info;
    room.mutes.value = new Map([['bob', 77]]);
    expect(room.members.value).toEqual([
      { user: 'zoe', isMe: false, role: 'owner', mutedUntil: null },
      { user: 'kim', isMe: false, role: 'moderator', mutedUntil: null },
      { user: 'mia', isMe: false, role: 'moderator', mutedUntil: null },
      { user: 'alice', isMe: true, role: null, mutedUntil: null },
      { user: 'bob', isMe: false, role: null, mutedUntil: 77 },
    ]);
  });
});

describe('the line in the side bar', () => {
  it('tells a draft only if it shows something, and whether it is muted', () => {
    const { room, muted } = make();
    room.draft.value = '  \n';
    expect(room.summary.value).toMatchObject({ hasDraft: false, muted: false, lost: null });
    room.draft.value = 'a';
    muted.value = true;
    expect(room.summary.value).toMatchObject({ hasDraft: true, muted: true });
  });
});

describe('rows that wait', () => {
  it('stand in their conversation only, also before the first page', () => {
    const { room, outbox } = make();
    const item = (key: string, target: ConversationId): OutboxItem => ({
      key,
      target,
      text: key,
      time: 1,
      delivery: { state: 'waiting' },
    });
    outbox.value = [item('mine', '#red'), item('other', '#blue')];
    expect(texts(room)).toEqual(['mine']);
  });

  it('keep their keys, of which only so many are remembered', () => {
    const room = loaded([said(1, 'alice'), said(600, 'alice')]);
    room.keepKey(1, 'first');
    for (let id = 2; id <= 501; id++) room.keepKey(id, `key-${id}`);
    room.keepKey(600, 'last');
    room.touch();
    expect(room.rows.value.flatMap((row) => (row.kind === 'message' ? [row.key] : []))).toEqual([
      'm1',
      'last',
    ]);
  });
});

describe('a reset', () => {
  it('lets go of everything that is numbered', () => {
    const room = loaded([said(1), said(2, 'bob', 'alice')], true);
    room.moved('eve', true, 1);
    room.keepKey(2, 'k');
    room.newAfter.value = 1;
    room.newBelow.value = 3;
    room.newer.value = 'more';
    room.early = [];
    room.reset();
    expect([room.loaded.value, room.older.value, room.newer.value, room.early]).toEqual([
      false,
      'more',
      'end',
      null,
    ]);
    expect([room.newAfter.value, room.newBelow.value, room.mentions.value.size]).toEqual([null, 0, 0]);
    expect([room.rows.value, room.window.attached, room.window.hi]).toEqual([[], false, 0]);
    room.begin({ entries: [said(2)], more: false }, 2, []);
    expect(room.rows.value.map((row) => row.key)).toEqual([expect.stringMatching(/^d/), 'm2']);
  });
});
