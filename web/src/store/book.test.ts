// What becomes of the conversations by what the hub tells.
import { beforeEach, describe, expect, it } from 'vitest';
import { TestClock, settle } from '../../tests/clock';
import { feed, item, room, said, sync } from '../../tests/standing';
import { failed } from '../connection/outcome';
import type { HubEvent, OutboxItem, ToHub } from '../connection/messages';
import type { Sync } from '../connection/connection';
import type { Entry } from '../protocol/entries';
import type { ConversationId } from '../protocol/target';
import { Book, type NewNotice } from './book';
import type { Conversation } from './conversation';
import { Kept } from './keep';
import type { Link } from './link';
import type { Attention, Outcome } from './model';

let clock: TestClock;
let book: Book;
let asked: string[];
let told: ToHub[];
let notices: NewNotice[];
let calls: Attention[];
let shown: ConversationId | null;
let isVisible: boolean;
let muted: ConversationId | null;
let stored: Map<string, string>;
/** What the server answers, by the line; everything else is never answered. */
let answers: Map<string, unknown>;

beforeEach(() => {
  clock = new TestClock();
  stored = new Map();
  begin();
});

/** A page begins, with what its browser has kept. */
function begin(): void {
  [asked, told, notices, calls] = [[], [], [], []];
  answers = new Map();
  [shown, isVisible, muted] = [null, true, null];
  const link = {
    tell: (message: ToHub) => told.push(message),
    expect: (line: string): Promise<Outcome<unknown>> => {
      asked.push(line);
      const value = answers.get(line);
      return value === undefined ? new Promise(() => undefined) : Promise.resolve({ ok: true, value });
    },
  };
  book = new Book({
    user: 'alice',
    link: link as unknown as Link,
    kept: new Kept(
      {
        get: (key) => stored.get(key) ?? null,
        set: (key, value) => {
          if (value === null) stored.delete(key);
          else stored.set(key, value);
        },
        watch: () => undefined,
      },
      'alice',
    ),
    isMuted: (id) => id === muted,
    after: clock.after,
    now: clock.now,
    isShown: (id) => id === shown,
    isSeen: (id) => id === shown && isVisible,
    attend: (attention) => calls.push(attention),
    notify: (notice) => notices.push(notice),
  });
}

const stand = (fields: Partial<Sync> = {}, outbox: readonly OutboxItem[] = []) =>
  book.stand({ sync: sync(fields), outbox });

function get(id: ConversationId): Conversation {
  const found = book.get(id);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
}

const hear = (entry: Entry, name = 'red') => book.events([{ ...entry, room: name } as HubEvent]);
const direct = (id: number, from: string, text = `text ${id}`) =>
  book.events([{ type: 'direct', id, time: id, from, to: 'alice', text }]);
/** The newest page of a conversation is these ids. */
function hold(conversation: Conversation, ids: readonly number[], more = true): void {
  const last = ids.at(-1) ?? 0;
  conversation.begin({ entries: ids.map((id) => said(id)), more }, last, []);
}

describe('where everything stands', () => {
  it('tells the conversations, and those that are not told are gone', () => {
    stand({
      rooms: [room('red', { members: 3, topic: 't', role: 'owner' }), room('blue')],
      feeds: [{ ...feed('eve') }],
    });
    expect([...book.all.value.keys()]).toEqual(['#red', '#blue', '+eve']);
    const red = get('#red');
    expect([red.memberCount.value, red.topic.value, red.role.value]).toEqual([3, 't', 'owner']);
    stand({ rooms: [room('red')] });
    expect([...book.all.value.keys()]).toEqual(['#red']);
    expect(get('#red')).toBe(red);
    expect(red.isStale).toBe(true);
  });

  it('tells what is unread, from where on it is new, and that more was heard already', () => {
    stand({ rooms: [room('red', { last: 9, read: 4, unread: 3 })] });
    const red = get('#red');
    expect([red.newest, red.read, red.unread.value, red.newAfter.value]).toEqual([9, 4, 3, 4]);
    hear(said(10));
    expect(red.unread.value).toBe(4);
    stand({ rooms: [room('red', { last: 9, read: 5, unread: 2 })] });
    expect([red.newest, red.read, red.unread.value]).toEqual([10, 5, 4]);
    stand({ rooms: [room('red', { last: 10, read: 5, unread: 3 })] });
    expect(red.unread.value).toBe(3);
  });

  it('does not take back a mark of mine, or where new ones begin', () => {
    stand({ rooms: [room('red', { last: 9, read: 4, unread: 3 })] });
    const red = get('#red');
    red.newAfter.value = 6;
    red.setRead(7);
    stand({ rooms: [room('red', { last: 9, read: 4, unread: 3 })] });
    expect([red.read, red.newAfter.value]).toEqual([7, 6]);
  });

  it('begins anew with another numbering', () => {
    stand({ rooms: [room('red', { last: 9, read: 9 })] });
    const red = get('#red');
    hold(red, [8, 9]);
    stand({ rooms: [room('red', { epoch: 'other', last: 2, read: 1, unread: 1 })] });
    expect([red.loaded.value, red.newest, red.read, red.unread.value]).toEqual([false, 2, 1, 1]);
    expect(red.log).toEqual({ epoch: 'other', last: 2 });
    stand({ rooms: [room('red', { epoch: 'other', last: 1, read: 1 })] });
    expect(red.log.last).toBe(2);
  });

  it('keeps a room that could not be entered, and tells that once', () => {
    stand({ rooms: [room('red')] });
    stand({ lost: [{ room: 'red', code: 'banned' }] });
    expect(get('#red').lost.value).toEqual({ code: 'banned' });
    stand({ lost: [{ room: 'red', code: 'banned' }] });
    expect(notices).toEqual([{ kind: 'room-lost', room: 'red', problem: { code: 'banned' } }]);
    stand({ rooms: [room('red')] });
    expect(get('#red').lost.value).toBeNull();
  });

  it('tells direct conversations, unless they are hidden and nothing was said since', () => {
    const states = [
      { user: 'bob', last: 4, read: 3, unread: 1 },
      { user: 'eve', last: 5, read: 5, unread: 0 },
    ];
    book.env.kept.hide('@bob', 4);
    stand({ directs: states, inbox: { epoch: 'i', last: 5 } });
    expect([...book.all.value.keys()]).toEqual(['@eve']);
    expect(book.inbox).toEqual({ epoch: 'i', last: 5 });
    book.env.kept.hide('@bob', 3);
    stand({ directs: states, inbox: { epoch: 'i', last: 4 } });
    expect([get('@bob').unread.value, get('@bob').log, book.inbox.last]).toEqual([1, book.inbox, 5]);
    stand({ inbox: { epoch: 'j', last: 1 } });
    expect([get('@eve').newest, get('@eve').read, book.inbox]).toEqual([0, 0, { epoch: 'j', last: 1 }]);
  });
});

describe('what was missed', () => {
  beforeEach(() => {
    for (const id of ['#red', '#blue'] as const) book.env.kept.setPrivate(id, false);
    stand({ rooms: [room('red', { last: 100, read: 100 })] });
    hold(get('#red'), [99, 100]);
    asked.length = 0;
  });

  it('of the conversation in front is loaded if none is held', () => {
    shown = '#blue';
    stand({ rooms: [room('red', { last: 100 }), room('blue')] });
    expect(asked).toEqual(['/backlog #blue 50']);
  });

  it('is filled at once, up to a width', async () => {
    stand({ rooms: [room('red', { last: 400, read: 400 })] });
    expect(get('#red').window.holes).toEqual([{ from: 101, to: 400 }]);
    await clock.advance(0);
    expect(asked).toEqual(['/backlog #red after 100 300']);
  });

  it('is not filled if it is too much: the end is loaded, or stays away if I read elsewhere', async () => {
    const red = get('#red');
    red.follows = false;
    stand({ rooms: [room('red', { last: 401, read: 401 })] });
    expect([red.window.attached, red.newer.value, asked]).toEqual([false, 'more', []]);
    stand({ rooms: [room('red', { last: 402, read: 402 })] });
    expect(red.window.holes).toEqual([]);
    red.window.attached = true;
    red.follows = true;
    stand({ rooms: [room('red', { last: 402, read: 402 })] });
    expect(asked).toEqual(['/backlog #red 50']);
    await settle();
  });

  it('reaches the end of the log, where only other conversations go on', () => {
    stand({
      directs: [{ user: 'bob', last: 5, read: 5, unread: 0 }],
      inbox: { epoch: 'i', last: 5 },
    });
    hold(get('@bob'), [5]);
    stand({
      directs: [{ user: 'bob', last: 5, read: 5, unread: 0 }],
      inbox: { epoch: 'i', last: 9 },
    });
    expect([get('@bob').window.hi, get('@bob').window.holes]).toEqual([9, []]);
  });
});

describe('what is heard', () => {
  beforeEach(() => stand({ rooms: [room('red')], inbox: { epoch: 'i', last: 0 } }));

  it('is known to all conversations of the inbox, as no hole of theirs', () => {
    book.ensure('@bob');
    book.ensure('@eve');
    hold(get('@bob'), [], false);
    hold(get('@eve'), [], false);
    direct(1, 'bob');
    direct(2, 'eve');
    direct(3, 'bob');
    expect([get('@bob').window.holes, get('@eve').window.holes]).toEqual([[], []]);
    expect([get('@bob').window.records.length, get('@eve').window.records.length]).toEqual([2, 1]);
    expect([get('@bob').window.hi, book.inbox.last, get('#red').newest]).toEqual([3, 3, 0]);
  });

  it('is new from where I read to, while I do not look', () => {
    const red = get('#red');
    hear(said(1));
    expect(red.newAfter.value).toBe(0);
    hear(said(2));
    expect(red.newAfter.value).toBe(0);
    red.setRead(2);
    shown = '#red';
    hear(said(3));
    expect(red.newAfter.value).toBe(0);
    red.setRead(3);
    isVisible = false;
    hear(said(4));
    expect(red.newAfter.value).toBe(3);
  });

  it('is read, if it is mine', () => {
    hear(said(1));
    hear(said(2, 'mine', 'alice'));
    expect([get('#red').read, get('#red').unread.value]).toEqual([2, 0]);
    hear({ type: 'topic', id: 3, time: 3, from: 'alice', text: 't' });
    expect(get('#red').read).toBe(2);
  });

  it('fills a hole after a while', async () => {
    hold(get('#red'), [], false);
    asked.length = 0;
    hear(said(3));
    expect(get('#red').window.holes).toEqual([{ from: 1, to: 2 }]);
    await clock.advance(399);
    expect(asked).toEqual([]);
    await clock.advance(1);
    expect(asked).toEqual(['/backlog #red after 0 50']);
  });

  it('calls me if it concerns me, unless I see it or it is muted', () => {
    hear(said(1, 'hello'));
    hear(said(2, 'hello alice'));
    expect(calls).toEqual([
      { conversation: '#red', from: 'bob', isBot: false, text: 'hello alice', time: 2 },
    ]);
    shown = '#red';
    hear(said(3, 'alice'));
    expect(calls).toHaveLength(1);
    get('#red').follows = false;
    hear(said(4, 'alice'));
    expect(calls).toHaveLength(2);
    muted = '#red';
    hear(said(5, 'alice'));
    expect(calls).toHaveLength(2);
    direct(1, 'bob', 'psst');
    expect(calls.at(-1)).toMatchObject({ conversation: '@bob', text: 'psst' });
  });

  it('of a room that I was thrown out of is heard no more', () => {
    book.thrownOut('red', { action: 'kick', reason: 'spam', until: null });
    expect(book.get('#red')).toBeUndefined();
    expect(notices).toEqual([
      { kind: 'removed-from-room', room: 'red', action: 'kick', reason: 'spam', until: null },
    ]);
    hear(said(1, 'alice'));
    expect(calls).toEqual([]);
  });
});

describe('another numbering', () => {
  it('that a page tells makes void what is held of its log, and asks where everything stands', async () => {
    stand({
      rooms: [room('red', { last: 5, read: 5 })],
      inbox: { epoch: 'i', last: 0 },
    });
    book.ensure('@bob');
    const red = get('#red');
    hold(get('@bob'), [], false);
    answers.set('/backlog #red 50', { type: 'backlog', epoch: 'other', entries: [], more: false });
    answers.set('/sync', sync({ rooms: [room('red', { epoch: 'other', last: 1, read: 0, unread: 1 })] }));
    expect(await book.loader.newest(red)).toEqual(failed('connection-lost'));
    await settle();
    expect(asked.at(-1)).toBe('/sync');
    expect([red.log, red.read, red.newest, red.unread.value]).toEqual([{ epoch: 'other', last: 1 }, 0, 1, 1]);
    expect(get('@bob').loaded.value).toBe(true);
  });

  it('of the inbox makes void all direct conversations, and no room', async () => {
    stand({ rooms: [room('red')], inbox: { epoch: 'i', last: 3 } });
    hold(get('#red'), [], false);
    for (const id of ['@bob', '@eve'] as const) hold(book.ensure(id), [3], false);
    get('@eve').unread.value = 2;
    answers.set('/backlog @bob 50', { type: 'backlog', epoch: 'j', entries: [], more: false });
    await book.loader.newest(get('@bob'), true);
    expect([get('@bob').loaded.value, get('@eve').loaded.value, get('#red').loaded.value]).toEqual([
      false,
      false,
      true,
    ]);
    expect([get('@eve').unread.value, get('@eve').newest, book.inbox]).toEqual([
      0,
      0,
      { epoch: 'j', last: 0 },
    ]);
  });
});

describe('what waits', () => {
  it('of a page that is gone is sent again, once, before what the hub has', () => {
    stand({}, [item('one'), item('two', '@bob')]);
    expect([...book.all.value.keys()]).toEqual(['@bob']);
    expect(told).toEqual([]);
    begin();
    stand({}, [item('two', '@bob')]);
    expect(told).toEqual([{ do: 'send', items: [item('one')], mayBeSent: true }]);
    expect(book.outbox.value.map(({ key }) => key)).toEqual(['one', 'two']);
    told.length = 0;
    stand({}, []);
    expect([told, book.outbox.value]).toEqual([[], []]);
    expect([...stored.keys()].filter((key) => key.includes('outbox'))).toEqual([]);
  });

  it('has its place among the conversations, with the draft that was kept', () => {
    book.env.kept.setDraft('@eve', 'half');
    book.events([{ type: 'item', item: item('k', '@eve') }]);
    expect([get('@eve').draft.value, get('@eve').log]).toEqual(['half', book.inbox]);
    expect(book.ensure('@eve')).toBe(get('@eve'));
  });
});

describe('in the background', () => {
  it('each conversation that is told is looked at, of the direct ones only the first', () => {
    const users = Array.from({ length: 25 }, (_, n) => `user-${n}`);
    const directs = users.map((user, n) => ({ user, last: n + 1, read: n + 1, unread: 0 }));
    answers = new Map(
      ['#red', '+eve', ...users.map((user) => `@${user}`)].map((id) => [
        `/backlog ${id} 1`,
        { type: 'backlog', epoch: id.startsWith('@') ? 'i' : 'e', entries: [said(1)], more: false },
      ]),
    );
    stand({
      rooms: [room('red', { last: 1, read: 1 })],
      feeds: [feed('eve', 1)],
      directs,
      inbox: { epoch: 'i', last: 25 },
    });
    return clock.advance(0).then(() => {
      expect(asked).toHaveLength(23);
      expect(asked[22]).toBe('/room red');
      expect([asked[0], asked[20], asked[21]]).toEqual([
        '/backlog #red 1',
        '/backlog @user-19 1',
        '/backlog +eve 1',
      ]);
    });
  });
});

describe('a private room', () => {
  const info = (access: string) => ({
    type: 'room',
    room: 'red',
    topic: '',
    access,
    post: 'everyone',
    owner: 'bob',
    moderators: [],
    role: 'member',
    created: null,
  });
  const locks = () => get('#red').summary.value.isPrivate;

  it('is known without being opened, and is not asked about again', async () => {
    answers.set('/room red', info('private'));
    stand({ rooms: [room('red')] });
    expect(locks()).toBeNull();
    await settle();
    expect(locks()).toBe(true);
    begin();
    stand({ rooms: [room('red')] });
    await settle();
    expect([locks(), asked]).toEqual([true, []]);
  });

  it('may become public, and a public one private', async () => {
    answers.set('/room red', info('public'));
    stand({ rooms: [room('red')] });
    await settle();
    expect(locks()).toBe(false);
    answers.set('/room red', info('private'));
    hear({
      type: 'moderated',
      id: 1,
      time: 1,
      from: 'bob',
      action: 'access',
      user: null,
      until: null,
      reason: 'private',
    });
    expect(locks()).toBe(true);
    begin();
    stand({ rooms: [room('red')] });
    expect(locks()).toBe(true);
  });

  it('is asked about again after an act that can change who has a role', async () => {
    answers.set('/room red', info('private'));
    stand({ rooms: [room('red')] });
    await settle();
    const act = { type: 'moderated', time: 1, from: 'bob', user: 'cyd', until: null, reason: '' } as const;
    asked.length = 0;
    hear({ ...act, id: 1, action: 'mute' });
    expect(asked).toEqual([]);
    hear({ ...act, id: 2, action: 'ban' });
    await settle();
    expect(asked).toEqual(['/room red']);
  });
});
