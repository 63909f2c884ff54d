// One hub for several tabs: all are told the same, and one of them calls for attention.
import { beforeEach, describe, expect, it } from 'vitest';
import { SYNC, TestNetwork } from '../../tests/wire';
import { settle } from '../../tests/clock';
import { ports } from '../../tests/tab';
import { Hub } from './hub';
import type { FromHub, HubEvent, OutboxItem, ToHub } from './messages';

class TestTab {
  readonly heard: FromHub[] = [];
  private readonly port;

  constructor(hub: Hub, lock: string | null = null) {
    const [mine, its] = ports<FromHub, ToHub>();
    this.port = mine;
    hub.serve(its);
    mine.listen((message) => void this.heard.push(message));
    this.tell({ do: 'attach', lock });
  }

  tell(message: ToHub): void {
    this.port.post(message);
  }

  get events(): readonly HubEvent[] {
    return this.heard.flatMap((message) => (message.tell === 'events' ? message.events : []));
  }

  get stands(): number {
    return this.heard.filter((message) => message.tell === 'stand').length;
  }

  get callsForAttention(): boolean {
    return this.heard.reduce(
      (yours, message) => (message.tell === 'attention' ? message.yours : yours),
      false,
    );
  }

  answer(n: number): FromHub | undefined {
    return this.heard.find((message) => message.tell === 'answer' && message.n === n);
  }
}

let network: TestNetwork;
let hub: Hub;
let one: TestTab;
let free: Map<string, () => void>;

beforeEach(async () => {
  network = new TestNetwork();
  free = new Map();
  hub = new Hub(network, (lock, gone) => void free.set(lock, gone));
  one = new TestTab(hub, 'lock-one');
  await settle();
  network.greet();
  network.socket.receive(SYNC);
  await settle();
});

async function another(): Promise<TestTab> {
  const tab = new TestTab(hub, 'lock-two');
  await settle();
  network.socket.receive(SYNC);
  await settle();
  return tab;
}

const item: OutboxItem = { key: 'k', target: '#lobby', text: 'hi', time: 0, delivery: { state: 'waiting' } };
const message = {
  type: 'message',
  room: 'lobby',
  id: 4,
  time: '2026-11-28T12:00:00.000Z',
  from: 'bob',
  text: 'x',
};

describe('the hub', () => {
  it('tells a tab in this order: who, how, where everything stands', () => {
    expect(one.heard.map((each) => each.tell)).toEqual([
      'server',
      'connection',
      'attention',
      'session',
      'connection',
      'server',
      'connection',
      'stand',
      'connection',
    ]);
  });

  it('opens one connection for all tabs, and asks where everything stands for one that comes later', async () => {
    const two = await another();
    expect(network.sockets).toHaveLength(1);
    expect(network.socket.lines).toEqual(['/sync', '/sync']);
    expect([one.stands, two.stands]).toEqual([1, 1]);
  });

  it('tells a tab that comes later what happens meanwhile, after that', async () => {
    const two = new TestTab(hub);
    await settle();
    network.socket.receive(message);
    await settle();
    expect(two.events).toEqual([]);
    network.socket.receive(SYNC);
    await settle();
    expect(two.events).toMatchObject([{ type: 'message', id: 4 }]);
    expect(two.heard.findIndex(({ tell }) => tell === 'stand')).toBeLessThan(
      two.heard.findIndex(({ tell }) => tell === 'events'),
    );
  });

  it('tells all tabs what one of them says, and that it waits no more, in one step', async () => {
    const two = await another();
    two.tell({ do: 'send', items: [item] });
    await settle();
    expect(one.events).toEqual([{ type: 'item', item }]);
    network.socket.receive({ type: 'ok', command: 'message', room: 'lobby', id: 5 });
    await settle();
    const last = one.heard.at(-1);
    expect(last?.tell === 'events' && last.events.map((event) => event.type)).toEqual([
      'message',
      'done',
      'gone',
    ]);
    expect(two.heard.at(-1)).toEqual(last);
    expect(one.events.at(-1)).toEqual({ type: 'gone', item, id: 5 });
  });

  it('gives the answer to the tab that asked, behind its effects', async () => {
    const two = await another();
    two.tell({ do: 'request', n: 7, line: '/block bob', mayBeUnknown: false });
    await settle();
    network.socket.receive({ type: 'ok', command: 'block', user: 'bob' });
    await settle();
    expect(two.heard.slice(-2).map(({ tell }) => tell)).toEqual(['events', 'answer']);
    expect(two.answer(7)).toMatchObject({ outcome: { ok: true } });
    expect(one.answer(7)).toBeUndefined();
    expect(one.events).toMatchObject([{ type: 'done', ok: { command: 'block' } }]);
  });

  it('lets the tab call for attention that was looked at last, and another one when it is gone', async () => {
    const two = await another();
    expect([one.callsForAttention, two.callsForAttention]).toEqual([false, true]);
    one.tell({ do: 'focus' });
    await settle();
    expect([one.callsForAttention, two.callsForAttention]).toEqual([true, false]);
    free.get('lock-one')?.();
    await settle();
    expect(two.callsForAttention).toBe(true);
    const before = one.heard.length;
    network.socket.receive(message);
    await settle();
    expect(one.heard).toHaveLength(before);
  });

  it('tells the other tabs how far I have read, and the server a little later, once', async () => {
    const two = await another();
    one.tell({ do: 'read', target: '#lobby', id: 2 });
    one.tell({ do: 'read', target: '#lobby', id: 3 });
    one.tell({ do: 'read', target: '#lobby', id: 1 });
    await settle();
    expect(two.events).toEqual([
      { type: 'read', target: '#lobby', id: 2 },
      { type: 'read', target: '#lobby', id: 3 },
    ]);
    expect(network.socket.lines.at(-1)).toBe('/sync');
    await network.clock.advance(1_000);
    expect(network.socket.lines.slice(-1)).toEqual(['/read #lobby 3']);
  });

  it('sends a mark again that was not answered, and asks again what is unread', async () => {
    one.tell({ do: 'read', target: '#lobby', id: 3 });
    await network.clock.advance(1_000);
    network.socket.listener.closed(1006);
    await network.clock.advance(1_500);
    network.greet();
    network.socket.receive(SYNC);
    await settle();
    expect(network.socket.lines).toEqual(['/sync', '/read #lobby 3', '/sync']);
  });

  it('sends a mark again when the store is back, and tells it to tabs that come meanwhile', async () => {
    one.tell({ do: 'read', target: '#lobby', id: 3 });
    await network.clock.advance(1_000);
    const two = new TestTab(hub);
    await settle();
    network.socket.receive({ type: 'error', code: 'store-unavailable', message: '', command: 'read' }, SYNC);
    await settle();
    expect(two.events).toEqual([{ type: 'read', target: '#lobby', id: 3 }]);
    await network.clock.advance(5_000);
    expect(network.socket.lines).toEqual(['/sync', '/read #lobby 3', '/sync', '/read #lobby 3']);
  });

  it('asks again where everything stands for a tab that comes while another one reads on', async () => {
    const two = new TestTab(hub);
    await settle();
    one.tell({ do: 'read', target: '#lobby', id: 3 });
    await settle();
    network.socket.receive(SYNC);
    await settle();
    expect(network.socket.lines).toEqual(['/sync', '/sync', '/read #lobby 3', '/sync']);
    network.socket.receive({ type: 'ok', command: 'read', target: '#lobby', id: 3 }, SYNC);
    await settle();
    expect([one.stands, two.stands]).toEqual([1, 2]);
    expect(network.socket.lines).toHaveLength(4);
  });

  it('forgets a mark whose numbering is void', async () => {
    one.tell({ do: 'read', target: '#lobby', id: 3 });
    await settle();
    network.socket.listener.closed(1006);
    await network.clock.advance(1_500);
    network.greet();
    network.socket.receive({ ...SYNC, rooms: SYNC.rooms.map((room) => ({ ...room, epoch: 'e2' })) });
    one.tell({ do: 'read', target: '#lobby', id: 1 });
    await network.clock.advance(1_500);
    expect(network.socket.lines).toEqual(['/sync', '/read #lobby 1']);
  });

  it('logs out: the ticket is revoked, the connection ends, what waits is forgotten', async () => {
    one.tell({ do: 'send', items: [item] });
    network.answer = { status: 204, body: undefined, retryAfter: null };
    one.tell({ do: 'log-out', n: 1 });
    await settle();
    expect(network.requests.at(-1)).toBe('DELETE');
    expect(network.socket.isClosed).toBe(true);
    expect(one.events.at(-1)).toMatchObject({ type: 'gone', id: null });
    expect(one.heard.slice(-2)).toMatchObject([
      { tell: 'session', session: { state: 'logged-out', problem: null } },
      { tell: 'answer', n: 1, outcome: { ok: true } },
    ]);
  });

  it('keeps what waits for the same user, and not for another one', async () => {
    const again = async (user: string) => {
      network.answer = { status: 200, body: { user }, retryAfter: null };
      one.tell({ do: 'log-in', n: 2, user, password: 'p', register: false, invite: null });
      await settle();
      network.socket.listener.opened();
      network.socket.receive(
        { type: 'ok', command: 'login', user, room: 'lobby', epoch: 'e1', last: 3 },
        SYNC,
      );
      await settle();
      return network.socket.lines;
    };
    one.tell({ do: 'send', items: [item] });
    await settle();
    expect(await again('alice')).toEqual(['/sync', '/once k /say lobby hi']);
    expect(await again('bob')).toEqual(['/sync']);
  });

  it('gets another ticket while the session goes on', async () => {
    const before = network.requests.length;
    const account = { user: 'alice', password: 'new', register: false, invite: null };
    one.tell({ do: 'log-in', n: 7, ...account, goesOn: true });
    await settle();
    expect(network.requests.slice(before)).toEqual(['POST {"user":"alice","password":"new"}']);
    expect(one.answer(7)).toMatchObject({ outcome: { ok: true } });
    expect(network.sockets).toHaveLength(1);
  });

  it('tells a suspended user at once, and does not ask again', async () => {
    const strict = new TestNetwork();
    const message = 'This account is suspended: spam';
    strict.answer = { status: 403, body: { code: 'suspended', message }, retryAfter: null };
    const tab = new TestTab(new Hub(strict, () => undefined));
    await strict.clock.advance(60_000);
    expect(strict.requests).toEqual(['GET']);
    expect(tab.heard.at(-1)).toMatchObject({
      session: { state: 'logged-out', problem: { code: 'suspended', explanation: message } },
    });
  });

  it('asks who the user is until somebody answers', async () => {
    const away = new TestNetwork();
    away.answer = null;
    const tab = new TestTab(new Hub(away, () => undefined));
    await away.clock.advance(7_000);
    expect(away.requests).toEqual(['GET', 'GET', 'GET']);
    expect(tab.heard.at(-1)).toMatchObject({ tell: 'connection', connection: { state: 'waiting' } });
    away.answer = { status: 401, body: undefined, retryAfter: null };
    await away.clock.advance(3_000);
    expect(tab.heard.at(-1)).toEqual({ tell: 'session', session: { state: 'logged-out', problem: null } });
  });

  it('asks again who the user is for a tab that comes when all others are gone', async () => {
    const door = new TestNetwork();
    door.answer = { status: 401, body: undefined, retryAfter: null };
    const shared = new Hub(door, () => undefined);
    const first = new TestTab(shared);
    await settle();
    first.tell({ do: 'detach' });
    door.answer = { status: 200, body: { user: 'alice' }, retryAfter: null };
    await settle();
    const second = new TestTab(shared);
    await settle();
    expect(door.requests).toEqual(['GET', 'GET']);
    const sessions = second.heard.filter(({ tell }) => tell === 'session');
    expect(sessions).toEqual([{ tell: 'session', session: { state: 'logged-in', user: 'alice' } }]);
  });
});
