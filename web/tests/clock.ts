// A clock that stands still until a test moves it.
import type { Clock } from '../src/connection/ports';

interface Timer {
  readonly at: number;
  readonly seq: number;
  readonly run: () => void;
}

/** Lets everything happen that waits for promises only. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class TestClock implements Clock {
  private time = Date.UTC(2026, 10, 28, 12);
  private timers: Timer[] = [];
  private seq = 0;

  constructor(readonly random: () => number = () => 0.5) {}

  now = (): number => this.time;

  after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.time + ms, seq: ++this.seq, run };
    this.timers.push(timer);
    return () => (this.timers = this.timers.filter((each) => each !== timer));
  };

  /** Moves on, and runs what is due in its order. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settle();
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= end);
      const next = due.sort((a, b) => a.at - b.at || a.seq - b.seq)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((each) => each !== next);
      this.time = next.at;
      next.run();
      await settle();
    }
    this.time = end;
  }
}

/** Numbers that look random and are the same for the same seed. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
