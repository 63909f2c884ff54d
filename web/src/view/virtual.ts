// The arithmetic of a long list of which only the rows near the window are in the page. Pure.

/** Rows `start` to `end`, without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Heights are forgotten when there are so many more than rows. */
const SURPLUS = 2000;

/** Remembers how high rows are, and guesses those that were never measured. */
export class Heights {
  #known = new Map<string, number>();

  /** True if the height is new. */
  set(key: string, height: number): boolean {
    if (this.#known.get(key) === height) return false;
    this.#known.set(key, height);
    return true;
  }

  /** All heights change with the width of the list. */
  clear(): void {
    this.#known.clear();
  }

  /** Forgets the heights of rows that are gone, once there are many. */
  private forget(rows: readonly { readonly key: string }[]): void {
    if (this.#known.size <= rows.length + SURPLUS) return;
    const left = rows.flatMap(({ key }): [string, number][] => {
      const height = this.#known.get(key);
      return height === undefined ? [] : [[key, height]];
    });
    this.#known = new Map(left);
  }

  /** Where each row begins, and as the last number where the last one ends. */
  offsets<T extends { readonly key: string }>(rows: readonly T[], guess: (row: T) => number): Float64Array {
    this.forget(rows);
    const offsets = new Float64Array(rows.length + 1);
    let at = 0;
    rows.forEach((row, index) => {
      offsets[index] = at;
      at += this.#known.get(row.key) ?? guess(row);
    });
    offsets[rows.length] = at;
    return offsets;
  }
}

/** The rows that lie between `top` and `bottom`. */
export function spanAt(offsets: Float64Array, top: number, bottom: number): Span {
  const count = offsets.length - 1;
  const start = Math.max(0, lastAtOrBefore(offsets, top));
  const end = Math.min(count, lastAtOrBefore(offsets, bottom) + 1);
  return { start: Math.min(start, count), end: Math.max(end, Math.min(start, count)) };
}

/** The index of the last offset that is not greater than `value`. */
function lastAtOrBefore(offsets: Float64Array, value: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? Infinity) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
