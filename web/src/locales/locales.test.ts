// Every language has every text, with the same values in it; every code of the server has a text; dates are as the language
// writes them.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GOODBYES, REFUSALS } from '../protocol/codes';
import { chooseLanguage, formatDay, formatList, isKey, loadTexts, t } from '.';
import { texts as de } from './de';
import { texts as deDoor } from './de-door';
import { texts as deMore } from './de-more';
import { texts as en } from './en';
import { texts as enDoor } from './en-door';
import { texts as enMore } from './en-more';
import type { Entry } from './types';

type Texts = Readonly<Record<string, Entry>>;
const english: Texts = { ...en, ...enDoor, ...enMore };
const german: Texts = { ...de, ...deDoor, ...deMore };
const SOURCES = fileURLToPath(new URL('..', import.meta.url));
const forms = (entry: Entry | undefined) => (typeof entry === 'string' ? [entry] : [...(entry ?? [])]);
const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole);
const holesOf = (entry: Entry | undefined) => [...new Set(forms(entry).flatMap(holes))].sort();

afterEach(() => vi.unstubAllGlobals());

describe('the languages', () => {
  it.each([
    [de, en],
    [deDoor, enDoor],
    [deMore, enMore],
  ])('have the same keys', (one, other) => {
    expect(Object.keys(one).sort()).toEqual(Object.keys(other).sort());
  });

  it.each(Object.keys(english))('say the same of %s', (key) => {
    expect(holesOf(german[key])).toEqual(holesOf(english[key]));
    expect(forms(german[key]).length).toBe(forms(english[key]).length);
    for (const form of forms(german[key])) expect(form.trim()).not.toBe('');
  });

  it.each([...REFUSALS, ...GOODBYES])('have a text for %s', (code) => {
    expect(english).toHaveProperty([`problem.${code}`]);
  });
});

describe('a part of the page', () => {
  it.each([
    ['main.tsx', en],
    ['view/front.ts', en],
    ['view/attention.ts', en],
    ['view/door.ts', { ...en, ...enDoor }],
    ['view/more.ts', { ...en, ...enMore }],
  ])('has the texts that it shows with it: %s', (part, loaded: Texts) => {
    const used = [...sourcesOf(join(SOURCES, part))].flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      return [...text.matchAll(/'([a-z]+(?:[.-][a-z-]+)+)'/g)].map(([, key]) => key ?? '');
    });
    const known = used.filter((key) => key in english);
    expect([...new Set(known)].filter((key) => !(key in loaded))).toEqual([]);
  });
});

describe('a text', () => {
  it('is there when its part is loaded', async () => {
    await use('en');
    expect(isKey('side.unread')).toBe(true);
    expect(isKey('problem.muted')).toBe(false);
    await loadTexts('more');
    expect(t('problem.muted')).toBe('You may not write here now.');
  });

  it('has the form for its number, and the values that it names', async () => {
    await use('en');
    expect(t('side.unread', { n: 1 })).toBe('1 unread');
    expect(t('side.unread', { n: 1234 })).toBe('1,234 unread');
    expect(t('act.ban-title', { user: 'bob', room: 'garden' })).toBe('Ban bob from #garden?');
  });

  it('is German if the user or the browser wants that', async () => {
    await use('de');
    expect(t('side.unread', { n: 1234 })).toBe('1.234 ungelesen');
    expect(t('act.ban-title', { user: 'bob', room: 'garden' })).toBe('bob aus #garden verbannen?');
    await use(null, ['fr-FR', 'de-AT', 'en']);
    expect(t('cancel')).toBe('Abbrechen');
    await use(null, ['fr-FR']);
    expect(t('cancel')).toBe('Cancel');
  });

  it('keeps what people wrote as it is', async () => {
    await use('en');
    expect(t('event.topic', { by: 'bob', topic: '{by} $& $1' })).toBe('bob set the topic: {by} $& $1');
  });
});

describe('dates', () => {
  it('are told as seen from today', async () => {
    const now = new Date(2026, 10, 28, 12);
    await use('en', ['en-GB']);
    expect(formatDay(new Date(2026, 10, 28, 1), now)).toBe('Today');
    expect(formatDay(new Date(2026, 10, 27, 23), now)).toBe('Yesterday');
    expect(formatDay(new Date(2026, 10, 2), now)).toBe('Monday 2 November');
    expect(formatDay(new Date(2025, 10, 2), now)).toBe('2 November 2025');
    await use('de');
    expect(formatDay(new Date(2026, 10, 27), now)).toBe('Gestern');
    expect(formatList(['a', 'b', 'c'])).toBe('a, b und c');
  });
});

/** A file, and all that it imports at once. */
function sourcesOf(file: string, known = new Set<string>()): ReadonlySet<string> {
  if (known.has(file)) return known;
  known.add(file);
  const text = readFileSync(file, 'utf8').replace(/import type [^;]*;/g, '');
  for (const [, to] of text.matchAll(/(?:import|export) [^;]*?from '(\.[^']*)'/g)) {
    const path = join(dirname(file), to ?? '');
    const found = [`${path}.ts`, `${path}.tsx`, join(path, 'index.ts')].find((each) => existsSync(each));
    if (found !== undefined && !found.includes('locales')) sourcesOf(found, known);
  }
  return known;
}

function use(tag: string | null, languages: readonly string[] = ['en-US']): Promise<void> {
  vi.stubGlobal('navigator', { languages });
  return chooseLanguage(tag);
}
