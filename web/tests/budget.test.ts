// How much a browser loads before a person asks for more, compressed by gzip, as it is built into web/dist.
import { readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const DIST = new URL('../dist/', import.meta.url);
const FILES = readdirSync(new URL('assets/', DIST));
const read = (name: string): string => readFileSync(new URL(`assets/${name}`, DIST), 'utf8');
const page = readFileSync(new URL('index.html', DIST), 'utf8');

/** The file that is built of a part. */
function built(part: string): string {
  const found = FILES.filter((name) => new RegExp(`^${part}-[\\w-]{8}\\.js$`).test(name));
  expect(found, part).toHaveLength(1);
  return found[0] ?? '';
}

/** A file, and all that it cannot run without. */
function whole(name: string, known = new Set<string>()): ReadonlySet<string> {
  if (known.has(name)) return known;
  known.add(name);
  for (const [, other] of read(name).matchAll(/(?:from|import)\s*["'`]\.\/([\w-]+\.js)["'`]/g))
    whole(other ?? '', known);
  return known;
}

/** What these parts weigh together, in bytes. */
function sizeOf(...parts: readonly string[]): number {
  const files = new Set(parts.flatMap((part) => [...whole(built(part))]));
  return [...files].reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length, 0);
}

const script = /src="\/assets\/([\w-]+)\.js"/.exec(page)?.[1]?.replace(/-[\w-]{8}$/, '') ?? '';
const KIB = 1024;

describe('what is loaded before a person asks for more', () => {
  it('is one script and one style sheet for the first paint, and nothing is loaded for that by them', () => {
    expect([...page.matchAll(/\/assets\/[\w-]+\.(?:js|css)/g)]).toHaveLength(2);
    expect(page).toContain('class="splash"');
    expect([...whole(built(script))]).toHaveLength(1);
    expect(page).not.toContain('modulepreload');
  });

  it.each(['en', 'de'])('has at most 40 KiB of scripts, with the texts of %s', (language) => {
    expect(sizeOf(script, 'worker', language)).toBeLessThanOrEqual(40 * KIB);
    expect(sizeOf(script, 'worker', language, 'door', `${language}-door`)).toBeLessThanOrEqual(40 * KIB);
  });

  it('has at most 10 KiB of styles', () => {
    const styles = FILES.filter((name) => name.endsWith('.css'));
    const sizes = styles.map((name) => gzipSync(read(name), { level: 9 }).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(10 * KIB);
  });
});

describe('what is loaded with a conversation in front', () => {
  it.each(['en', 'de'])('has at most 49 KiB of scripts, with the texts of %s', (language) => {
    expect(sizeOf(script, 'worker', language, 'front')).toBeLessThanOrEqual(49 * KIB);
  });
});
