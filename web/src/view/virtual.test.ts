// The arithmetic of the long list.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Heights, spanAt } from './virtual';

const rowsOf = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `r${String(index)}` }));

describe('the heights of rows', () => {
  it('are guessed until they are measured', () => {
    const heights = new Heights();
    expect([...heights.offsets(rowsOf(3), () => 20)]).toEqual([0, 20, 40, 60]);
    expect(heights.set('r1', 35)).toBe(true);
    expect(heights.set('r1', 35)).toBe(false);
    expect([...heights.offsets(rowsOf(3), () => 20)]).toEqual([0, 20, 55, 75]);
    heights.clear();
    expect([...heights.offsets(rowsOf(3), () => 20)]).toEqual([0, 20, 40, 60]);
  });
});

describe('the span of rows in the window', () => {
  it('covers the window, whatever the heights are', () => {
    const heights = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(
        heights,
        fc.integer({ min: -500, max: 90_000 }),
        fc.integer({ min: 1, max: 2000 }),
        (all, top, high) => {
          const offsets = new Heights().offsets(
            all.map((height, index) => ({ key: String(index), height })),
            (row) => row.height,
          );
          const { start, end } = spanAt(offsets, top, top + high);
          const total = offsets[all.length] ?? 0;
          expect(start).toBeLessThanOrEqual(end);
          expect(end).toBeLessThanOrEqual(all.length);
          if (top < total) expect(offsets[start]).toBeLessThanOrEqual(Math.max(0, top));
          if (top + high > 0) expect(offsets[end]).toBeGreaterThanOrEqual(Math.min(total, top + high));
        },
      ),
    );
  });

  it('is empty without rows', () => {
    expect(
      spanAt(
        new Heights().offsets([], () => 1),
        0,
        500,
      ),
    ).toEqual({ start: 0, end: 0 });
  });
});
