// Every language has every text, with the same values in it; every code of the server has a text; dates are as the language
// writes them.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GOODBYES, REFUSALS } from '../protocol/codes';
import { chooseLanguage, formatDay, formatList, isKey, t } from '.';
import { de, deMore } from './de';
import { en } from './en';
import { enMore } from './en-more';
import { t as tMore } from './more';
import type { Entry } from './types';

type Texts = Readonly<Record<string, Entry>>;
const english: Texts = { ...en, ...enMore };
const german: Texts = { ...de, ...deMore };
const forms = (entry: Entry | undefined) => (typeof entry === 'string' ? [entry] : [...(entry ?? [])]);
const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole);
const holesOf = (entry: Entry | undefined) => [...new Set(forms(entry).flatMap(holes))].sort();

afterEach(() => vi.unstubAllGlobals());

describe('the languages', () => {
  it('have the same keys', () => {
    expect(Object.keys(german).sort()).toEqual(Object.keys(english).sort());
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  });

  it.each(Object.keys(english))('say the same of %s', (key) => {
    expect(holesOf(german[key])).toEqual(holesOf(english[key]));
    expect(forms(german[key]).length).toBe(forms(english[key]).length);
    for (const form of forms(german[key])) expect(form.trim()).not.toBe('');
  });

  it.each([...REFUSALS, ...GOODBYES])('have a text for %s', (code) => {
    expect(isKey(`problem.${code}`)).toBe(true);
  });
});

describe('a text', () => {
  it('has the form for its number, and the values that it names', async () => {
    await use('en');
    expect(t('side.unread', { n: 1 })).toBe('1 unread');
    expect(t('side.unread', { n: 1234 })).toBe('1,234 unread');
    expect(tMore('act.ban-title', { user: 'bob', room: 'garden' })).toBe('Ban bob from #garden?');
  });

  it('is German if the user or the browser wants that', async () => {
    await use('de');
    expect(t('side.unread', { n: 1234 })).toBe('1.234 ungelesen');
    expect(tMore('act.ban-title', { user: 'bob', room: 'garden' })).toBe('bob aus #garden verbannen?');
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

function use(tag: string | null, languages: readonly string[] = ['en-US']): Promise<void> {
  vi.stubGlobal('navigator', { languages });
  return chooseLanguage(tag);
}
