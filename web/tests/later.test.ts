// Actions that are loaded when they are used first, and what they say if they cannot be.
import { beforeEach, expect, it, vi } from 'vitest';
import { failed } from '../src/connection/outcome';
import type { Core } from '../src/store/core';
import { withLate, type EarlyActions, type LateActions } from '../src/store/later';
import type { Actions } from '../src/store/model';

let loads: number;
let isThere: boolean;
let late: Partial<LateActions>;

vi.mock('../src/store/late', () => ({
  moreActions: () => {
    loads++;
    if (!isThere) throw new Error('another version by now');
    return late;
  },
}));

let actions: Actions;
let shown: unknown[];

beforeEach(() => {
  [loads, isThere, shown] = [0, true, []];
  late = {};
  const early = { show: (id: unknown) => shown.push(id) } as unknown as EarlyActions;
  actions = withLate({} as unknown as Core, early);
});

it('those of the beginning are there at once, and load nothing', () => {
  actions.show('#red');
  expect([shown, loads]).toEqual([['#red'], 0]);
});

it('the others are loaded once, however many are used', async () => {
  const calls: unknown[][] = [];
  late.kick = (...words) => {
    calls.push(words);
    return Promise.resolve(failed('not-connected'));
  };
  const outcomes = await Promise.all([actions.kick('red', 'bob', 'spam'), actions.kick('red', 'eve')]);
  expect(outcomes).toEqual([failed('not-connected'), failed('not-connected')]);
  expect([calls, loads]).toEqual([
    [
      ['red', 'bob', 'spam'],
      ['red', 'eve'],
    ],
    1,
  ]);
});

it('those that cannot be loaded say so, and are loaded again the next time', async () => {
  isThere = false;
  expect(await actions.block('bob')).toEqual(failed('part-missing'));
  isThere = true;
  late.block = () => Promise.resolve({ ok: true, value: undefined });
  expect(await actions.block('bob')).toEqual({ ok: true, value: undefined });
  expect(loads).toBe(2);
});

it('one that is broken never rejects', async () => {
  late.block = () => Promise.reject(new Error('broken'));
  expect(await actions.block('bob')).toEqual(failed('part-missing'));
  // A newer page may have it under another name.
  expect(await actions.unblock('bob')).toEqual(failed('part-missing'));
});
