// Lines and their answers, and when a connection counts as dead.
import { beforeEach, describe, expect, it } from 'vitest';
import { HELLO, LOGIN, TestNetwork } from '../../tests/wire';
import type { Answer, ServerEvent } from '../protocol/events';
import type { Outcome } from '../store/model';
import { Channel } from './channel';

const SECOND = 1_000;

let network: TestNetwork;
let channel: Channel;
let login: Outcome<Answer> | null;
let events: ServerEvent[];
let ends: (string | null)[];

beforeEach(() => {
  network = new TestNetwork();
  login = null;
  events = [];
  ends = [];
  const listener = {
    event: (event: ServerEvent) => void events.push(event),
    settled: () => undefined,
    closed: (goodbye: string | null) => void ends.push(goodbye),
  };
  channel = new Channel(network.open, network.clock, listener, (outcome) => (login = outcome));
});

function ask(line: string, mayBeUnknown = false): { outcome: Outcome<Answer> | null } {
  const asked: { outcome: Outcome<Answer> | null } = { outcome: null };
  channel.request(line, (outcome) => (asked.outcome = outcome), mayBeUnknown);
  return asked;
}

const pong = (token: string | null) => ({ type: 'pong', token });

describe('answers', () => {
  it('takes the first answer for that to the cookie, and the next ones in the order of the lines', () => {
    const first = ask('/ping 1');
    const second = ask('/ping 2');
    expect(network.socket.lines).toEqual([]);
    network.socket.listener.opened();
    expect(network.socket.lines).toEqual(['/ping 1', '/ping 2']);
    network.socket.receive(HELLO, LOGIN, pong('1'));
    expect(login).toMatchObject({ ok: true, value: { user: 'alice' } });
    expect(first.outcome).toMatchObject({ ok: true, value: { token: '1' } });
    expect(second.outcome).toBeNull();
    network.socket.receive({
      type: 'error',
      code: 'banned',
      message: 'until 2026-11-29T00:00:00.000Z',
      command: 'x',
    });
    expect(second.outcome).toMatchObject({
      ok: false,
      problem: { code: 'banned', until: Date.UTC(2026, 10, 29) },
    });
    expect(events.map((event) => event.type)).toEqual(['hello']);
  });

  it('keeps events apart, wherever they come', () => {
    network.greet();
    const asked = ask('/ping 1');
    network.socket.receive({ type: 'joined', room: 'red', user: 'bob' }, { type: 'brand-new' }, pong('1'));
    expect(events.at(-1)).toEqual({ type: 'joined', room: 'red', user: 'bob' });
    expect(asked.outcome).toMatchObject({ ok: true });
  });

  it.each([
    ['a list that is new', [{ type: 'brand-new', list: [] }], { type: 'ok', command: 'other' }],
    [
      'an event, then an answer',
      [{ type: 'joined', room: 'r', user: 'u' }, pong('x')],
      { type: 'pong', token: 'x' },
    ],
    ['nothing at all', [], { type: 'pong', token: 'fence-1' }],
  ])('finds its place again after a typed line that is answered by %s', (_what, lines, answer) => {
    network.greet();
    const typed = ask('/tickets', true);
    const next = ask('/ping next');
    expect(network.socket.lines).toEqual(['/tickets', '/ping fence-1', '/ping next']);
    network.socket.receive(...lines, pong('fence-1'), pong('next'));
    expect(typed.outcome).toEqual({ ok: true, value: answer });
    expect(next.outcome).toEqual({ ok: true, value: { type: 'pong', token: 'next' } });
  });

  it('lets only so many lines wait for answers', () => {
    network.greet();
    for (let n = 0; n < 40; n++) ask(`/ping ${n}`);
    expect(network.socket.lines).toHaveLength(16);
    network.socket.receive(pong('0'), pong('1'));
    expect(network.socket.lines).toHaveLength(18);
  });

  it('refuses what is too much to wait', () => {
    const line = 'x'.repeat(100_000);
    expect([ask(line), ask(line), ask(line)].map((asked) => asked.outcome)).toEqual([
      null,
      null,
      { ok: false, problem: { code: 'too-many-waiting' } },
    ]);
  });
});

describe('the end', () => {
  it('tells it of each line without an answer, and why', () => {
    network.greet();
    const sent = ask('/ping 1');
    network.socket.receive({ type: 'bye', code: 'kicked', message: '' });
    network.socket.listener.closed(4005);
    expect(sent.outcome).toEqual({ ok: false, problem: { code: 'connection-lost' } });
    expect(ends).toEqual(['kicked']);
    expect(ask('/ping 2').outcome).toMatchObject({ problem: { code: 'not-connected' } });
  });

  it('knows the reason by the close code alone', () => {
    network.greet();
    network.socket.listener.closed(1001);
    network.socket.listener.closed(1006);
    expect(ends).toEqual(['server-shutdown']);
  });

  it('ends when the server sends what no Parlor server sends', () => {
    network.greet();
    network.socket.listener.received('<html>\n{"type":"joined","room":"r","user":"u"}');
    expect(network.socket.isClosed).toBe(true);
    expect(ends).toEqual(['unexpected-answer']);
    expect(events).toHaveLength(1);
  });
});

describe('silence', () => {
  it('gives up a socket that does not open', async () => {
    await network.clock.advance(9 * SECOND);
    expect(ends).toEqual([]);
    await network.clock.advance(2 * SECOND);
    expect(ends).toEqual([null]);
  });

  it('pings when I was quiet, also while I hear others', async () => {
    network.greet();
    for (let n = 0; n < 30; n++) {
      await network.clock.advance(SECOND);
      network.socket.receive({ type: 'joined', room: 'r', user: 'u' });
    }
    expect(network.socket.lines).toEqual(['/ping']);
    expect(ends).toEqual([]);
  });

  it('lives on while pings are answered, and not longer', async () => {
    network.greet();
    for (let n = 0; n < 300; n++) {
      const before = network.socket.lines.length;
      await network.clock.advance(SECOND);
      if (network.socket.lines.length > before) network.socket.receive(pong(null));
    }
    expect(ends).toEqual([]);
    await network.clock.advance(60 * SECOND);
    expect(ends).toEqual([null]);
  });

  it('asks at once when there is a doubt, and does not wait long', async () => {
    network.greet();
    channel.doubt();
    expect(network.socket.lines).toEqual(['/ping']);
    network.socket.receive(pong(null));
    await network.clock.advance(10 * SECOND);
    expect(ends).toEqual([]);
    channel.doubt();
    await network.clock.advance(6 * SECOND);
    expect(ends).toEqual([null]);
  });
});
