// The small parts: pauses, goodbyes, problems, and `/session`.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GOODBYES } from '../protocol/codes';
import type { HttpAnswer } from './ports';
import { pauseAfter } from './backoff';
import { aftermathOf, goodbyeOf } from './goodbye';
import { httpProblem, problemOf } from './problem';
import { logIn, logOut, whoAmI } from './session';

const answer = (status: number, body?: unknown, retryAfter: number | null = null): HttpAnswer => ({
  status,
  body,
  retryAfter,
});
const server = (given: HttpAnswer | null) => () => Promise.resolve(given);

describe('pauses', () => {
  it('are whole seconds from 1 to 30, and grow', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.nat(5_000), random, random, (failures, one, other) => {
        const pause = pauseAfter(failures, one);
        expect(Number.isInteger(pause)).toBe(true);
        expect(pause).toBeGreaterThanOrEqual(1);
        expect(pause).toBeLessThanOrEqual(30);
        expect(pauseAfter(failures + 2, other)).toBeGreaterThanOrEqual(Math.min(pause, 15));
      }),
    );
  });

  it('differ among clients', () => {
    expect(pauseAfter(5, 0)).not.toBe(pauseAfter(5, 0.99));
  });
});

describe('goodbyes', () => {
  it('have a close code each', () => {
    const codes = [1000, 1001, ...Array.from({ length: 8 }, (_, n) => 4001 + n)];
    expect(new Set(codes.map(goodbyeOf))).toEqual(new Set([...GOODBYES, 'logged-out']));
    expect(goodbyeOf(4009)).toBeNull();
    expect(goodbyeOf(1006)).toBeNull();
  });

  it('that are new lead to a new attempt', () => {
    expect(aftermathOf('brand-new')).toBe('retry');
    expect(aftermathOf(null)).toBe('retry');
  });
});

describe('problems', () => {
  it.each([
    ['too-many-attempts', '17 seconds until the next attempt', { seconds: 17 }],
    ['takeover-loop', '42 s', { seconds: 42 }],
    ['password-too-short', '8 characters at least', { characters: 8 }],
    ['line-too-long', 'At most 4096 bytes', { bytes: 4096 }],
    ['muted', 'Until 2026-11-29T10:00:00.000Z', { until: Date.UTC(2026, 10, 29, 10) }],
    ['banned', 'For ever', {}],
    ['bad-argument', '/ban <room> 7', {}],
  ])('of %s: %s', (code, explanation, fields) => {
    expect(problemOf(code, explanation)).toEqual({ code, explanation, ...fields });
  });

  it.each([
    [null, 'not-connected'],
    [answer(403), 'wrong-origin'],
    [answer(500, 'oh'), 'unexpected-answer'],
    [answer(403, { code: 'suspended', message: '' }), 'suspended'],
  ])('of the answer %j', (given, code) => expect(httpProblem(given).code).toBe(code));

  it('take the seconds of Retry-After', () => {
    const given = answer(429, { code: 'too-many-attempts', message: 'later' }, 7);
    expect(httpProblem(given)).toMatchObject({ code: 'too-many-attempts', seconds: 7 });
  });
});

describe('/session', () => {
  it.each([
    [answer(200, { user: 'alice' }), { user: 'alice', problem: null }],
    [answer(401, { code: 'login-required' }), { user: null, problem: null }],
    [answer(200, {}), { user: null, problem: { code: 'unexpected-answer' } }],
    [
      answer(503, { code: 'store-unavailable', message: '' }),
      { user: null, problem: { code: 'store-unavailable' } },
    ],
    [null, { user: null, problem: { code: 'not-connected' } }],
  ])('%j tells who I am', async (given, identity) => {
    expect(await whoAmI(server(given))).toMatchObject(identity);
  });

  it('registers only when asked to', async () => {
    const bodies: unknown[] = [];
    const note = (_method: string, body?: object) => {
      bodies.push(body);
      return Promise.resolve(answer(200, { user: 'alice' }));
    };
    const alice = { user: 'Alice', password: 'secret', register: false, invite: null };
    expect(await logIn(note, alice)).toEqual({ ok: true, value: 'alice' });
    await logIn(note, { ...alice, register: true });
    await logIn(note, { ...alice, register: true, invite: 'pli_1' });
    expect(bodies).toEqual([
      { user: 'Alice', password: 'secret' },
      { user: 'Alice', password: 'secret', register: true },
      { user: 'Alice', password: 'secret', register: true, invite: 'pli_1' },
    ]);
  });

  it('logs out, also if the ticket is void already', async () => {
    expect(await logOut(server(answer(204)))).toMatchObject({ ok: true });
    expect(await logOut(server(answer(401)))).toMatchObject({ ok: true });
    expect(await logOut(server(null))).toMatchObject({ ok: false });
  });
});
