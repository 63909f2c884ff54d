// The decoder reads everything that the server's encoder writes, field by field, and declares nothing else.
import { describe, expect, it } from 'vitest';
import { GOLDEN_LINES, VOCABULARY } from '../../tests/golden';
import { ACTIONS, GOODBYES, REFUSALS, ROLES } from './codes';
import { COMMANDS } from './commands';
import { ENTRIES } from './entries';
import { ANSWERS, decode, EVENTS } from './events';
import { REPLIES } from './replies';

type Json = Readonly<Record<string, unknown>>;

const TIMES = new Set(['time', 'edited', 'until', 'created', 'made', 'used', 'expires']);

/** The value of a line with its times as the decoder shows them. */
function expected(line: string): Json {
  return JSON.parse(line, (key, value: unknown) =>
    TIMES.has(key) && typeof value === 'string' ? Date.parse(value) : value,
  ) as Json;
}

function decoded(line: string): unknown {
  const received = decode(line);
  if (received.is === 'event') return received.event;
  return received.is === 'answer' ? received.answer : received.is;
}

/** Lists of tickets have a time under one more name. */
function expectedTickets(line: string): unknown {
  return JSON.parse(line, (key, value: unknown) =>
    key === 'made' && typeof value === 'string' ? Date.parse(value) : value,
  );
}

const values = GOLDEN_LINES.map(expected);

function seen(key: string, among: readonly Json[]): Set<unknown> {
  return new Set(among.map((value) => value[key]));
}

describe('the decoder', () => {
  it.each(GOLDEN_LINES)('reads %s', (line) => {
    expect(decoded(line)).toEqual(expected(line));
  });

  it('knows each type, each reply and each entry of the server, and no other', () => {
    const oks = values.filter((value) => value['type'] === 'ok');
    const entries = values.flatMap((value) => (value['entries'] as readonly Json[] | undefined) ?? []);
    const types = [...Object.keys(EVENTS), ...Object.keys(ANSWERS)];
    expect(new Set(types)).toEqual(new Set([...seen('type', values), 'tickets']));
    expect(new Set(Object.keys(REPLIES))).toEqual(new Set([...seen('command', oks), 'ticket', 'revoke']));
    expect(new Set(Object.keys(ENTRIES))).toEqual(seen('type', entries));
  });

  it('knows the words of the server, and no others', () => {
    expect(REFUSALS).toEqual(VOCABULARY.refusals);
    expect(GOODBYES).toEqual(VOCABULARY.goodbyes);
    expect(ROLES).toEqual(VOCABULARY.roles);
    expect(ACTIONS).toEqual(VOCABULARY.actions);
    expect(COMMANDS).toEqual(VOCABULARY.commands.map((command) => command.word));
  });

  it('drops fields that are new, and leaves out entries that are new', () => {
    expect(decoded('{"type":"joined","room":"red","user":"bob","mood":"fine"}')).toEqual({
      type: 'joined',
      room: 'red',
      user: 'bob',
    });
    const page =
      '{"type":"backlog","target":"#red","epoch":"0","entries":[{"type":"poll","id":1}],"more":false}';
    expect(decoded(page)).toMatchObject({ entries: [] });
  });

  it('reads tickets', () => {
    const times = '"made":"2026-11-22T10:20:30.456Z","used":null,"expires":null';
    const line = `{"type":"tickets","tickets":[{"id":"3e9a41c7","label":"","address":"192.0.2.7",${times}}]}`;
    expect(decoded(line)).toEqual(expectedTickets(line));
  });

  it('keeps its place among the answers when the server answers to a command that is new', () => {
    expect(decoded('{"type":"ok","command":"brand-new","id":1}')).toEqual({ type: 'ok', command: 'other' });
  });

  it.each([
    ['unknown', '{"type":"brand-new"}'],
    ['malformed', '{"type":"joined","room":"red"}'],
    ['malformed', '{"type":"joined","room":"red","user":7}'],
    ['malformed', '{"type":"ok","command":"read","target":"#red","id":-1}'],
    ['malformed', 'HELLO parlor/1 den'],
    ['malformed', '[]'],
    ['unknown', '{"type":"toString"}'],
  ])('calls %s what is: %s', (kind, line) => {
    expect(decode(line).is).toBe(kind);
  });
});
