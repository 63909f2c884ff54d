// What a user does with rooms and people: the line of each action, and what becomes of its answer.
import { beforeEach, describe, expect, it } from 'vitest';
import { failed } from '../src/connection/outcome';
import type { Actions } from '../src/store/model';
import { settle } from './clock';
import { HandStore } from './hand';
import { room } from './standing';

const DONE = { ok: true, value: undefined };

let tab: HandStore;

beforeEach(async () => {
  tab = new HandStore();
  tab.logIn();
  await tab.stand({ rooms: [room('red')] });
});

describe('an action', () => {
  it.each<[string, (actions: Actions) => Promise<unknown>]>([
    ['/topic red  all about roses', (to) => to.setTopic('red', ' all about roses')],
    ['/access red private', (to) => to.setAccess('red', 'private')],
    ['/post red moderators', (to) => to.setPost('red', 'moderators')],
    ['/invite red bob', (to) => to.invite('red', 'bob')],
    ['/kick red bob', (to) => to.kick('red', 'bob')],
    ['/kick red bob spam and more', (to) => to.kick('red', 'bob', 'spam and more')],
    ['/ban red bob', (to) => to.ban('red', 'bob')],
    ['/ban red bob', (to) => to.ban('red', 'bob', '', '')],
    ['/ban red bob 7d', (to) => to.ban('red', 'bob', '7d')],
    ['/ban red bob spam', (to) => to.ban('red', 'bob', '', 'spam')],
    ['/ban red bob 7d spam', (to) => to.ban('red', 'bob', '7d', 'spam')],
    ['/unban red bob', (to) => to.unban('red', 'bob')],
    ['/mute red bob', (to) => to.mute('red', 'bob')],
    ['/mute red bob 10m', (to) => to.mute('red', 'bob', '10m')],
    ['/unmute red bob', (to) => to.unmute('red', 'bob')],
    ['/moderator red bob', (to) => to.setModerator('red', 'bob', true)],
    ['/unmoderator red bob', (to) => to.setModerator('red', 'bob', false)],
    ['/owner red bob', (to) => to.giveRoom('red', 'bob')],
    ['/hook red "disk alerts"', (to) => to.makeHook('red', 'disk alerts')],
    ['/unhook red h1', (to) => to.endHook('red', 'h1')],
    ['/subscribe bob', (to) => to.followUser('bob')],
    ['/unsubscribe bob', (to) => to.unfollowUser('bob')],
    ['/block bob', (to) => to.block('bob')],
    ['/unblock bob', (to) => to.unblock('bob')],
    ['/broadcast the server stops soon', (to) => to.broadcast('the server \r\n\n stops\nsoon')],
    ['/suspend bob 7d spam', (to) => to.suspend('bob', '7d', 'spam')],
    ['/suspend bob', (to) => to.suspend('bob')],
    ['/unsuspend bob', (to) => to.unsuspend('bob')],
    ['/revoke 3e9a', (to) => to.revokeTicket('3e9a')],
    ['/invitation red "two words"', (to) => to.makeInvitation(['red', 'two words'])],
    ['/invitation', (to) => to.makeInvitation([])],
    ['/uninvite i1', (to) => to.endInvitation('i1')],
    ['/passwd "old one" new', (to) => to.changePassword('old one', 'new')],
    ['/hooks red', (to) => to.listHooks('red')],
    ['/rooms', (to) => to.loadRooms()],
  ])('is one line: %s', async (line, act) => {
    tab.hub.refuse(line, 'forbidden');
    expect(await act(tab.actions)).toEqual({ ok: false, problem: { code: 'forbidden' } });
    expect(tab.hub.lines).toEqual([line]);
  });

  it('that was carried out tells only that', async () => {
    tab.hub.answer('/topic red x', { type: 'ok', command: 'topic', room: 'red', topic: 'x', id: 7 });
    expect(await tab.actions.setTopic('red', 'x')).toEqual(DONE);
  });

  it('about a room that is not mine is not tried', async () => {
    expect(await tab.actions.loadMembers('blue')).toEqual(failed('not-connected'));
    expect(await tab.actions.loadInfo('blue')).toEqual(failed('not-connected'));
    expect(tab.hub.lines).toEqual([]);
  });
});

describe('a room', () => {
  it('tells who may do what, as far as this page understands it', async () => {
    const info = {
      topic: 't',
      access: 'secret',
      post: 'nobody',
      owner: null,
      moderators: ['bob'],
      role: 'king',
    };
    tab.hub.answer('/room red', { type: 'room', room: 'red', ...info, created: 7 });
    expect(await tab.actions.loadInfo('red')).toEqual(DONE);
    const red = tab.get('#red');
    expect(red.info.value).toEqual({
      ...info,
      access: 'public',
      post: 'everyone',
      role: 'member',
      created: 7,
    });
    expect([red.topic.value, red.role.value, red.isPrivate.value]).toEqual(['t', 'member', false]);
    tab.hub.answer('/room red', { type: 'room', room: 'red', ...info, access: 'private', role: 'owner' });
    await tab.actions.loadInfo('red');
    expect([red.role.value, red.isPrivate.value]).toEqual(['owner', true]);
  });

  it('keeps what is known of it if that cannot be learnt again', async () => {
    tab.hub.refuse('/room red', 'store-unavailable');
    expect(await tab.actions.loadInfo('red')).toMatchObject({ ok: false });
    expect([tab.get('#red').info.value, tab.get('#red').isPrivate.value]).toEqual([null, null]);
  });
});

describe('what the server made', () => {
  it.each<[string, object, (actions: Actions) => Promise<unknown>, unknown]>([
    [
      '/hook red bot',
      { command: 'hook', room: 'red', label: 'bot', id: 'h1', url: 'https://x' },
      (to) => to.makeHook('red', 'bot'),
      'https://x',
    ],
    [
      '/invitation red',
      { command: 'invitation', code: 'pli_1', id: 'i1', uses: 1, rooms: ['red'], expires: 5 },
      (to) => to.makeInvitation(['red']),
      'pli_1',
    ],
  ])('is told once, and nothing else is taken for it: %s', async (line, ok, act, value) => {
    tab.hub.answer(line, { type: 'ok', ...ok });
    expect(await act(tab.actions)).toEqual({ ok: true, value });
    tab.hub.answer(line, { type: 'ok', command: 'other' });
    expect(await act(tab.actions)).toEqual(failed('unexpected-answer'));
    tab.hub.answer(line, { type: 'pong', token: null });
    expect(await act(tab.actions)).toEqual(failed('unexpected-answer'));
  });

  it('is listed as the server tells it', async () => {
    const hooks = [{ id: 'h1', label: 'bot', by: 'bob', made: 5 }];
    const invitations = [
      { id: 'i1', by: 'bob', made: 1, expires: 5, uses: 2, used: ['eve'], rooms: [], operator: false },
    ];
    tab.hub.answer('/hooks red', { type: 'hooks', room: 'red', hooks });
    tab.hub.answer('/invitations', { type: 'invitations', invitations });
    expect(await tab.actions.listHooks('red')).toEqual({ ok: true, value: hooks });
    expect(await tab.actions.listInvitations()).toEqual({ ok: true, value: invitations });
    tab.hub.refuse('/invitations', 'forbidden');
    expect(await tab.actions.listInvitations()).toMatchObject({ ok: false, problem: { code: 'forbidden' } });
  });
});

describe('the sessions of an account', () => {
  it('begin with the one that was used last; one that was never used was when it was made', async () => {
    const ticket = { label: '', address: null, expires: null };
    tab.hub.answer('/tickets', {
      type: 'tickets',
      tickets: [
        { ...ticket, id: 'old', made: 1, used: 20 },
        { ...ticket, id: 'unused', made: 30, used: null },
        { ...ticket, id: 'new', made: 2, used: 40, address: '192.0.2.1' },
      ],
    });
    const outcome = await tab.actions.listTickets();
    expect(outcome.ok && outcome.value.map(({ id, used, address }) => [id, used, address])).toEqual([
      ['new', 40, '192.0.2.1'],
      ['unused', 30, ''],
      ['old', 20, ''],
    ]);
    tab.hub.refuse('/tickets', 'store-unavailable');
    expect(await tab.actions.listTickets()).toMatchObject({ ok: false });
  });
});

describe('a new password', () => {
  const line = '/passwd old new';
  const account = {
    do: 'log-in',
    user: 'alice',
    password: 'new',
    register: false,
    invite: null,
    goesOn: true,
  };

  it('makes the ticket of this browser void, so it gets another one before that is told', async () => {
    tab.hub.answer(line, { type: 'ok', command: 'passwd' });
    let isTold = false;
    const outcome = tab.actions.changePassword('old', 'new').finally(() => (isTold = true));
    await settle();
    expect([tab.hub.told, isTold]).toMatchObject([[account], false]);
    const [order] = tab.hub.told;
    if (order?.do !== 'log-in') throw new Error('no order');
    tab.hub.tell({ tell: 'answer', n: order.n, outcome: failed('not-connected') });
    // It is changed, though the next visit will ask for it.
    expect(await outcome).toEqual(DONE);
  });

  it('that is refused costs no ticket', async () => {
    tab.hub.refuse(line, 'bad-credentials');
    expect(await tab.actions.changePassword('old', 'new')).toMatchObject({ ok: false });
    expect(tab.hub.told).toEqual([]);
  });
});

describe('a publication', () => {
  it('is one for each line, in order, up to the first that is refused', async () => {
    tab.hub.answer('/publish one', { type: 'ok', command: 'publish', id: 1 });
    tab.hub.refuse('/publish two', 'limit-reached');
    expect(await tab.actions.publish('one\n\ntwo\nthree')).toMatchObject({
      problem: { code: 'limit-reached' },
    });
    expect(tab.hub.lines).toEqual(['/publish one', '/publish two']);
  });

  it('waits for each answer before the next line', async () => {
    void tab.actions.publish('one\ntwo');
    await settle();
    expect(tab.hub.lines).toEqual(['/publish one']);
  });

  it('needs something to show', async () => {
    expect(await tab.actions.publish(' \n\u200b')).toEqual(failed('nothing-to-send'));
    expect(tab.hub.lines).toEqual([]);
  });
});

describe('lists of people and rooms', () => {
  const followers = { type: 'subscribers', users: ['bob'] } as const;
  const blocks = { type: 'blocks', users: ['eve'] };
  const asked = (line: string) =>
    tab.hub.heard.flatMap((each) => (each.do === 'request' && each.line === line ? [each.n] : []))[0] ?? 0;
  const lists = () => [tab.core.book.value?.followers.value, tab.core.book.value?.blocked.value];

  it('are asked for together', async () => {
    tab.hub.answer('/subscribers', followers);
    tab.hub.answer('/blocks', blocks);
    expect(await tab.actions.loadPeople()).toEqual(DONE);
    expect([tab.hub.lines, lists()]).toEqual([
      ['/subscribers', '/blocks'],
      [['bob'], ['eve']],
    ]);
  });

  it.each([
    ['/subscribers', '/blocks', blocks, [null, ['eve']]],
    ['/blocks', '/subscribers', followers, [['bob'], null]],
  ])('are known as far as they were told: without %s', async (missing, there, answer, known) => {
    tab.hub.refuse(missing, 'store-unavailable');
    tab.hub.answer(there, answer);
    expect(await tab.actions.loadPeople()).toMatchObject({ problem: { code: 'store-unavailable' } });
    expect(lists()).toEqual(known);
  });

  it('of rooms are kept until they are asked for again', async () => {
    const rooms = [{ room: 'red', members: 2 }];
    tab.hub.answer('/rooms', { type: 'rooms', rooms });
    expect(await tab.actions.loadRooms()).toEqual(DONE);
    tab.hub.refuse('/rooms', 'store-unavailable');
    expect(await tab.actions.loadRooms()).toMatchObject({ ok: false });
    expect(tab.core.listing.value).toEqual(rooms);
  });

  it('that come when the user is gone belong to nobody', async () => {
    const outcome = tab.actions.loadPeople();
    tab.hub.tell({ tell: 'session', session: { state: 'logged-out', problem: null } });
    tab.hub.tell({ tell: 'answer', n: asked('/subscribers'), outcome: { ok: true, value: followers } });
    tab.hub.tell({ tell: 'answer', n: asked('/blocks'), outcome: failed('connection-lost') });
    expect(await outcome).toEqual(failed('not-connected'));
  });
});
