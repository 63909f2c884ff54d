// The way of a message, with a model of a server: log in, see, say, hear, come back.
import { beforeEach, describe, expect, it } from 'vitest';
import { Hub } from '../src/connection/hub';
import type { Network } from '../src/connection/ports';
import { chance, TestClock } from './clock';
import { Server } from './server';
import { messagesIn, openTab, rowsOf, textsIn, type Tab } from './tab';

let clock: TestClock;
let server: Server;
let hub: Hub;
let tab: Tab;

function says(room: string, from: string, text: string): void {
  server.inRoom(room, (id, time) => ({ type: 'message', id, time, from, text }));
}

beforeEach(() => {
  clock = new TestClock();
  server = new Server(clock, chance(1));
  server.addRoom('garden');
  for (let n = 1; n <= 120; n++) says('garden', 'bob', `old ${n}`);
  hub = new Hub(server.network, () => undefined);
  tab = openTab(hub, clock);
});

async function live(): Promise<void> {
  await clock.advance(2_000);
  expect(tab.store.connection.value).toEqual({ state: 'live' });
}

describe('from end to end', () => {
  it('asks for a login, tells why it is refused, and logs in', async () => {
    server.hasTicket = false;
    await clock.advance(100);
    expect(tab.store.session.value).toEqual({ state: 'logged-out', problem: null });
    const wrong = tab.store.actions.logIn('alice', 'wrong');
    await clock.advance(100);
    expect(await wrong).toMatchObject({ ok: false, problem: { code: 'bad-credentials' } });
    const right = tab.store.actions.logIn('alice', 'right');
    await live();
    expect(await right).toEqual({ ok: true, value: undefined });
    expect(tab.store.session.value).toEqual({ state: 'logged-in', user: 'alice' });
    expect(tab.store.serverName.value).toBe('den');
  });

  it('shows what is there, loads older messages, and hears new ones', async () => {
    await live();
    expect(tab.store.conversations.value.map((each) => [each.id, each.unread])).toEqual([
      ['#garden', 120],
      ['#lobby', 0],
    ]);
    tab.store.actions.show('#garden');
    await clock.advance(500);
    expect(textsIn(tab, '#garden').at(-1)).toBe('old 120');
    expect(tab.store.conversation('#garden')?.older.value).toBe('more');
    for (let page = 0; page < 10; page++) {
      void tab.store.actions.loadOlder('#garden');
      await clock.advance(200);
    }
    expect(textsIn(tab, '#garden')).toHaveLength(120);
    expect(tab.store.conversation('#garden')?.older.value).toBe('end');
    says('garden', 'bob', 'fresh');
    await clock.advance(200);
    expect(textsIn(tab, '#garden').at(-1)).toBe('fresh');
  });

  it('shows my message at once, and once', async () => {
    await live();
    tab.store.actions.show('#garden');
    await clock.advance(500);
    tab.store.actions.send('#garden', 'one\ntwo');
    const waiting = messagesIn(tab, '#garden').slice(-2);
    expect(waiting.map((row) => [row.text, row.delivery.state])).toEqual([
      ['one', 'waiting'],
      ['two', 'waiting'],
    ]);
    await clock.advance(500);
    const accepted = messagesIn(tab, '#garden').slice(-2);
    expect(accepted.map((row) => [row.text, row.delivery.state, row.id])).toEqual([
      ['one', 'accepted', 121],
      ['two', 'accepted', 122],
    ]);
    expect(accepted.map((row) => row.key)).toEqual(waiting.map((row) => row.key));
  });

  it('comes back, fills the gap, and says what was said meanwhile', async () => {
    await live();
    tab.store.actions.show('#garden');
    await clock.advance(500);
    server.breakAfterCommit = true;
    tab.store.actions.send('#garden', 'mine');
    await clock.advance(100);
    expect(tab.store.connection.value.state).toBe('waiting');
    tab.store.actions.send('#garden', 'later');
    says('garden', 'bob', 'missed');
    await clock.advance(10_000);
    expect(tab.store.connection.value).toEqual({ state: 'live' });
    expect(textsIn(tab, '#garden').slice(-4)).toEqual(['old 120', 'mine', 'missed', 'later']);
    expect(rowsOf(tab, '#garden').some((row) => row.kind === 'gap')).toBe(false);
    expect(server.log('garden').entries.filter((entry) => entry.from === 'alice')).toHaveLength(2);
  });

  it('says what was written on a page that is gone, once', async () => {
    await live();
    let isGone = false;
    const closed = { send: () => undefined, close: () => undefined };
    const network: Network = {
      ...server.network,
      open: (listener) => (isGone ? closed : server.network.open(listener)),
    };
    tab = openTab(new Hub(network, () => undefined), clock, new Map());
    await live();
    server.breakAfterCommit = true;
    tab.store.actions.send('#garden', 'in doubt');
    tab.store.actions.send('@bob', 'for bob');
    await clock.advance(200);
    isGone = true;
    tab.store.actions.send('#garden', 'offline');
    await clock.advance(1_000);
    const next = openTab(new Hub(server.network, () => undefined), clock, tab.storage);
    await clock.advance(5_000);
    next.store.actions.show('#garden');
    await clock.advance(1_000);
    expect(textsIn(next, '#garden').slice(-3)).toEqual(['old 120', 'in doubt', 'offline']);
    expect(server.inbox.entries).toHaveLength(1);
    expect([...tab.storage.keys()].filter((key) => key.includes('outbox'))).toEqual([]);
  });

  it('does not send by itself what the server may have forgotten', async () => {
    await live();
    server.isReachable = false;
    server.drop();
    tab.store.actions.send('#garden', 'long ago');
    await clock.advance(56 * 60_000);
    server.isReachable = true;
    const next = openTab(new Hub(server.network, () => undefined), clock, tab.storage);
    await clock.advance(60_000);
    expect(messagesIn(next, '#garden').at(-1)?.delivery).toMatchObject({
      state: 'refused',
      problem: { code: 'unknown-outcome' },
    });
  });

  it('stops after a takeover until the user wants the session back', async () => {
    await live();
    server.drop(4001, 'logged-in-elsewhere');
    await clock.advance(120_000);
    expect(tab.store.connection.value).toEqual({ state: 'taken-over' });
    tab.store.actions.useHere();
    await live();
  });
});
