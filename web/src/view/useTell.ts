// Tells the user when an action failed that has no place of its own for errors.

import { signal } from '@preact/signals';

import type { Outcome, Problem } from '../store/model';

export interface Told {
  readonly key: number;
  readonly problem: Problem | null;
  /** What happened, if nothing failed. */
  readonly text: string;
}

/** What is told now; shown beside the notices of the server. */
export const told = signal<readonly Told[]>([]);

let count = 0;
const STAYS_MS = 6000;

/** Waits for an action and tells its problem, or `done` if it succeeds. True if it succeeded. */
export function useTell() {
  return async (action: Promise<Outcome>, done?: string): Promise<boolean> => {
    const outcome = await action;
    if (!outcome.ok) say({ problem: outcome.problem, text: '' });
    else if (done !== undefined) say({ problem: null, text: done });
    return outcome.ok;
  };
}

/** Shows a line for a while. */
export function say(what: { readonly problem: Problem | null; readonly text: string }): void {
  const item = { key: ++count, ...what };
  told.value = [...told.value, item];
  if (!what.problem) setTimeout(() => unsay(item.key), STAYS_MS);
}

export function unsay(key: number): void {
  told.value = told.value.filter((item) => item.key !== key);
}
