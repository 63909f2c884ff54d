// My messages: one at a time in each conversation, with the same key until they are answered.
import { beforeEach, describe, expect, it } from 'vitest';
import { TestClock } from '../../tests/clock';
import type { Answer } from '../protocol/events';
import type { ConversationId } from '../protocol/target';
import type { Outcome } from '../store/model';
import { failed } from './outcome';
import { MOST_WAITING, type OutboxItem } from './messages';
import { Outbox } from './outbox';

const MINUTE = 60_000;

let clock: TestClock;
let outbox: Outbox;
let sent: { line: string; done: (outcome: Outcome<Answer>) => void }[];
let gone: string[];

beforeEach(() => {
  clock = new TestClock();
  sent = [];
  gone = [];
  outbox = new Outbox(clock, {
    send: (line, done) => void sent.push({ line, done }),
    changed: () => undefined,
    gone: (item) => void gone.push(item.key),
  });
});

function add(...keys: readonly string[]): void {
  for (const key of keys) addTo('#red', key);
}

function addTo(target: ConversationId, key: string, text = `text of ${key}`): void {
  const item: OutboxItem = { key, target, text, time: clock.now(), delivery: { state: 'waiting' } };
  outbox.add(item);
}

const lines = () => sent.map((each) => each.line);
const states = () => outbox.items.map((item) => [item.key, item.delivery.state]);
const OK: Outcome<Answer> = { ok: true, value: { type: 'ok', command: 'message', room: 'red', id: 1 } };

function answer(outcome: Outcome<Answer>): void {
  sent.at(-1)?.done(outcome);
}

const refused = (code: string): Outcome<Answer> => ({ ok: false, problem: { code } });

describe('the outbox', () => {
  it('says each kind of message by its command', () => {
    outbox.up();
    addTo('#red', 'a', '/me too');
    addTo('@bob', 'b', ' spaces ');
    addTo('+me', 'c', 'news');
    expect(lines()).toEqual([
      '/once a /say red /me too',
      '/once b /msg bob  spaces ',
      '/once c /publish news',
    ]);
  });

  it('waits for a connection, then sends one after the other', () => {
    add('a', 'b');
    expect(lines()).toEqual([]);
    outbox.up();
    expect(lines()).toEqual(['/once a /say red text of a']);
    answer(OK);
    expect(gone).toEqual(['a']);
    expect(lines().at(-1)).toBe('/once b /say red text of b');
    answer(OK);
    expect(outbox.items).toEqual([]);
  });

  it('sends again after a reconnect, with the same key, before what comes later', () => {
    outbox.up();
    add('a', 'b');
    answer(failed('connection-lost'));
    outbox.down();
    expect(states()).toEqual([
      ['a', 'waiting'],
      ['b', 'waiting'],
    ]);
    outbox.up();
    answer(OK);
    expect(lines().map((line) => line.split(' ')[1])).toEqual(['a', 'a', 'b']);
  });

  it('keeps what is refused with the reason, and goes on', () => {
    outbox.up();
    add('a', 'b');
    answer(refused('muted'));
    expect(outbox.items[0]?.delivery).toEqual({ state: 'refused', problem: { code: 'muted' } });
    expect(lines().at(-1)).toContain('/once b ');
    outbox.down();
    outbox.up();
    answer(OK);
    expect(states()).toEqual([['a', 'refused']]);
    outbox.again('a');
    expect(lines().at(-1)).toContain('/once a ');
    answer(OK);
    expect(outbox.items).toEqual([]);
  });

  it('tries again by itself while the store is away, and lets nothing overtake', async () => {
    outbox.up();
    add('a', 'b');
    answer(refused('store-unavailable'));
    expect(states()).toEqual([
      ['a', 'stalled'],
      ['b', 'waiting'],
    ]);
    await clock.advance(1_000);
    expect(lines()).toHaveLength(2);
    answer(refused('store-unavailable'));
    await clock.advance(1_500);
    expect(lines()).toHaveLength(2);
    outbox.again('a');
    expect(lines().map((line) => line.split(' ')[1])).toEqual(['a', 'a', 'a']);
    answer(OK);
    expect(lines().at(-1)).toContain('/once b ');
  });

  it('sends nothing by itself that the server may have forgotten', async () => {
    outbox.up();
    add('tried');
    answer(failed('connection-lost'));
    outbox.down();
    add('new');
    await clock.advance(56 * MINUTE);
    outbox.up();
    expect(outbox.items[0]?.delivery).toEqual({ state: 'refused', problem: { code: 'unknown-outcome' } });
    expect(lines().at(-1)).toContain('/once new ');
  });

  it('says what was refused behind what waits', () => {
    outbox.up();
    add('a');
    answer(refused('muted'));
    outbox.down();
    add('b', 'c');
    outbox.again('a');
    expect(states().map(([key]) => key)).toEqual(['b', 'c', 'a']);
  });

  it('forgets what is discarded', () => {
    add('a', 'b');
    outbox.discard('a');
    expect(gone).toEqual(['a']);
    outbox.up();
    expect(lines()).toEqual(['/once b /say red text of b']);
    outbox.discard('b');
    answer(refused('store-unavailable'));
    expect(outbox.items).toEqual([]);
  });

  it('takes each key once, and not too many', () => {
    add('a', 'a');
    expect(outbox.items).toHaveLength(1);
    for (let n = 1; n <= MOST_WAITING; n++) add(`k${n}`);
    expect(states().at(-1)).toEqual([`k${MOST_WAITING}`, 'refused']);
    expect(states().at(-2)?.[1]).toBe('waiting');
  });

  it('is empty for another user', () => {
    outbox.up();
    add('a', 'b');
    outbox.clear();
    outbox.up();
    expect(outbox.items).toEqual([]);
    expect(lines()).toHaveLength(1);
  });
});
