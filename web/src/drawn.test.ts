import { describe, expect, it } from 'vitest';
import { whenDrawn } from './drawn';

function page(isVisible: boolean) {
  const frames: (() => void)[] = [];
  const timers: { readonly ms: number; readonly run: () => void }[] = [];
  let runs = 0;
  whenDrawn(
    {
      visible: () => isVisible,
      frame: (run) => void frames.push(run),
      after: (ms, run) => void timers.push({ ms, run }),
    },
    () => runs++,
  );
  return { frames, timers, runs: () => runs };
}

describe('what waits until the page is drawn', () => {
  it('runs once, with the next frame', () => {
    const { frames, timers, runs } = page(true);
    expect(runs()).toBe(0);
    frames[0]?.();
    timers[0]?.run();
    expect(runs()).toBe(1);
  });

  it('runs after a moment in a page that was hidden before its frame', () => {
    const { timers, runs } = page(true);
    expect(timers[0]?.ms).toBe(250);
    timers[0]?.run();
    expect(runs()).toBe(1);
  });

  it('runs at once in a hidden page', () => {
    const { frames, timers } = page(false);
    expect(frames).toEqual([]);
    expect(timers[0]?.ms).toBe(0);
  });
});
