// How long to wait before the next attempt: growing pauses with jitter, so that the clients of a server that
// restarts do not all come back at once.

const LONGEST = 30;

/** Whole seconds before attempt `failures + 1`: 1 to 30. `random` is at least 0 and less than 1. */
export function pauseAfter(failures: number, random: number): number {
  const most = Math.min(LONGEST, 2 ** Math.min(failures, 10));
  return Math.round(most / 2 + (random * most) / 2);
}
