// What a connection does after each end, and what it waits for.
import { beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../tests/clock';
import { HELLO, LOGIN, SYNC, TestNetwork } from '../../tests/wire';
import type { Connection as State, Problem } from '../store/model';
import { Connection } from './connection';

let network: TestNetwork;
let connection: Connection;
let states: State[];
let heard: string[];
let over: (Problem | null)[];

beforeEach(() => {
  network = new TestNetwork();
  states = [];
  heard = [];
  over = [];
  connection = new Connection(network, {
    state: (state) => void states.push(state),
    greeted: (server) => void heard.push(server),
    loggedIn: (user) => void heard.push(user),
    up: () => void heard.push('up'),
    down: () => void heard.push('down'),
    events: (events) => void heard.push(...events.map((event) => event.type)),
    over: (problem) => void over.push(problem),
  });
  connection.connect();
});

const state = () => states.at(-1);
const joined = { type: 'joined', room: 'lobby', user: 'bob' };
const refusal = (code: string, message = '') => ({ type: 'error', code, message, command: 'login' });

function goLive(): void {
  network.greet();
  network.socket.receive(SYNC);
}

function refuse(code: string, message?: string): void {
  network.socket.listener.opened();
  network.socket.receive(HELLO, refusal(code, message));
}

describe('an attempt', () => {
  it('greets, logs in, learns where everything stands, and is live', () => {
    expect(state()).toEqual({ state: 'connecting', attempt: 1 });
    network.greet();
    expect(state()).toEqual({ state: 'behind' });
    expect(network.socket.lines).toEqual(['/sync']);
    network.socket.receive(SYNC);
    expect(state()).toEqual({ state: 'live' });
    expect(heard).toEqual(['den', 'alice', 'up']);
  });

  it('tells events that come before the answer to /sync after it', () => {
    network.greet();
    network.socket.receive(joined);
    expect(heard).not.toContain('joined');
    network.socket.receive(SYNC);
    network.socket.receive(joined);
    expect(heard).toEqual(['den', 'alice', 'up', 'joined', 'joined']);
  });

  it('carries out nothing before it is live', () => {
    const codes: string[] = [];
    const ask = () =>
      connection.request('/ping', (outcome) => codes.push(outcome.ok ? 'ok' : outcome.problem.code));
    ask();
    goLive();
    ask();
    expect(codes).toEqual(['not-connected']);
    expect(network.socket.lines).toEqual(['/sync', '/ping']);
  });

  it('is over if the server does not know the ticket', async () => {
    network.answer = { status: 401, body: undefined, retryAfter: null };
    refuse('login-required');
    await settle();
    expect(over).toEqual([null]);
    expect(state()).toEqual({ state: 'offline' });
    await network.clock.advance(100_000);
    expect(network.sockets).toHaveLength(1);
  });

  it.each(['already-logged-in', 'suspended'])('stops after %s', async (code) => {
    refuse(code);
    await network.clock.advance(100_000);
    expect(state()).toMatchObject({ state: 'refused', problem: { code } });
    expect(network.sockets).toHaveLength(1);
    connection.retry();
    goLive();
    expect(state()).toEqual({ state: 'live' });
  });

  it('waits as long as the server asks for', async () => {
    refuse('takeover-loop', '42 seconds');
    expect(state()).toMatchObject({ state: 'waiting', seconds: 42, problem: { code: 'takeover-loop' } });
    await network.clock.advance(41_500);
    expect(network.sockets).toHaveLength(1);
    await network.clock.advance(1_000);
    expect(network.sockets).toHaveLength(2);
  });
});

describe('after the end', () => {
  it.each([
    [4001, 'taken-over'],
    [4005, 'refused'],
    [4007, 'refused'],
    [4008, 'refused'],
    [1000, 'refused'],
    [1001, 'waiting'],
    [1006, 'waiting'],
    [4002, 'waiting'],
    [4003, 'waiting'],
    [4004, 'waiting'],
    [4006, 'waiting'],
    [4999, 'waiting'],
  ])('%d means %s', async (code, expected) => {
    goLive();
    network.socket.listener.closed(code);
    await settle();
    expect(state()).toMatchObject({ state: expected });
    expect(heard.at(-1)).toBe('down');
    await network.clock.advance(100_000);
    expect(network.sockets.length > 1).toBe(expected === 'waiting');
  });

  it('moves at once and without a word when the server asked for it', async () => {
    goLive();
    network.socket.receive({ type: 'reconnect', after_ms: 1500 });
    network.socket.receive({ type: 'bye', code: 'server-shutdown', message: 'The server stops' });
    network.socket.listener.closed(1001);
    await settle();
    expect(state()).toEqual({ state: 'live' });
    expect(network.sockets).toHaveLength(2);
    const before = states.length;
    goLive();
    expect(states.slice(before)).toEqual([{ state: 'live' }]);
    // Nothing that was kept back comes later.
    await network.clock.advance(10_000);
    expect(state()).toEqual({ state: 'live' });
  });

  it('tells of a move that takes long, and of one that fails', async () => {
    goLive();
    const move = async () => {
      network.socket.receive({ type: 'reconnect', after_ms: 1500 });
      network.socket.listener.closed(1001);
      await settle();
    };
    await move();
    network.greet();
    await network.clock.advance(2_000);
    expect(state()).toEqual({ state: 'live' });
    await network.clock.advance(2_000);
    expect(state()).toEqual({ state: 'behind' });
    network.socket.receive(SYNC);
    await move();
    // Where nobody answers, it waits as always.
    network.socket.listener.closed(1006);
    await settle();
    expect(state()).toMatchObject({ state: 'waiting' });
  });

  it('is over after a kick that made the ticket void', async () => {
    goLive();
    network.answer = { status: 401, body: undefined, retryAfter: null };
    network.socket.receive({ type: 'bye', code: 'kicked', message: 'An operator ended this session' });
    network.socket.listener.closed(4005);
    await settle();
    expect(over).toMatchObject([{ code: 'kicked' }]);
  });

  it('tells why an account is suspended, which the goodbye does not', async () => {
    goLive();
    const message = 'This account is suspended: spam';
    network.answer = { status: 403, body: { code: 'suspended', message }, retryAfter: null };
    network.socket.receive({ type: 'bye', code: 'suspended', message: 'An operator suspended this account' });
    network.socket.listener.closed(4007);
    await settle();
    expect(state()).toMatchObject({ state: 'refused', problem: { code: 'suspended', explanation: message } });
  });

  it('counts the seconds down, and waits longer each time', async () => {
    network.answer = null;
    const pauses: number[] = [];
    for (let n = 0; n < 8; n++) {
      network.socket.listener.closed(1006);
      await settle();
      const now = state();
      if (now?.state !== 'waiting') throw new Error(String(now?.state));
      pauses.push(now.seconds);
      const opened = network.sockets.length;
      for (let left = now.seconds; left > 0; left--) {
        expect(state()).toMatchObject({ state: 'waiting', seconds: left });
        expect(network.sockets).toHaveLength(opened);
        await network.clock.advance(1_000);
      }
      expect(network.sockets).toHaveLength(opened + 1);
    }
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses[0]).toBe(1);
    expect(pauses.at(-1)).toBeGreaterThan(15);
    expect(pauses.at(-1)).toBeLessThanOrEqual(30);
  });

  it('waits shortly again only after a connection that lasted', async () => {
    const cut = async (after: number) => {
      goLive();
      await network.clock.advance(after);
      network.socket.listener.closed(1006);
      const now = state();
      const seconds = now?.state === 'waiting' ? now.seconds : 0;
      await network.clock.advance(seconds * 1_000);
      return seconds;
    };
    const pauses = [await cut(0), await cut(0), await cut(0), await cut(0), await cut(11_000)];
    expect(pauses[3]).toBeGreaterThan(3);
    expect(pauses[4]).toBe(1);
  });

  it('tries at once when the network is back', async () => {
    goLive();
    network.socket.listener.closed(1006);
    connection.check();
    expect(network.sockets).toHaveLength(2);
    goLive();
    connection.check();
    expect(network.socket.lines).toEqual(['/sync', '/ping']);
    await network.clock.advance(0);
    expect(network.sockets).toHaveLength(2);
  });

  it('does not come back by a check after a takeover', () => {
    goLive();
    network.socket.listener.closed(4001);
    connection.check();
    expect(network.sockets).toHaveLength(1);
  });

  it('has no effect any more once it is stopped', async () => {
    goLive();
    const { socket } = network;
    connection.stop();
    socket.receive(joined);
    socket.listener.closed(4001);
    await network.clock.advance(100_000);
    expect(state()).toEqual({ state: 'offline' });
    expect(heard).not.toContain('joined');
    expect(network.sockets).toHaveLength(1);
  });
});

it('logs in once for each connection', () => {
  goLive();
  network.socket.receive(LOGIN);
  expect(heard.filter((each) => each === 'alice')).toHaveLength(1);
});
