// How numbers, dates and texts are written, and what happens if a text cannot be loaded.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  chooseLanguage,
  formatBrief,
  formatDate,
  formatDay,
  formatFull,
  formatNumber,
  formatTime,
  isKey,
  language,
  loadTexts,
  t,
} from '../src/locales';

/** Whether the server is away, from which texts are loaded. */
const server = vi.hoisted(() => ({ isAway: false }));

const away = <T>(module: { readonly texts: T }) => ({
  get texts(): T {
    if (server.isAway) throw new Error('the server is away');
    return module.texts;
  },
});
vi.mock('../src/locales/de', async (original) => away(await original()));
vi.mock('../src/locales/en-door', async (original) => away(await original()));

beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));

afterEach(() => {
  server.isAway = false;
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function use(tag: string | null, ...languages: readonly string[]): Promise<void> {
  vi.stubGlobal('navigator', { languages });
  // What writes numbers and dates is made anew for another language only.
  for (const other of ['de', 'en']) await chooseLanguage(other);
  await chooseLanguage(tag);
}

describe('a language', () => {
  it('is the one that was chosen last, however fast', async () => {
    vi.stubGlobal('navigator', { languages: ['en-US'] });
    await Promise.all([chooseLanguage('en'), chooseLanguage('de'), chooseLanguage('en')]);
    expect([language.value, t('close')]).toEqual(['en', 'Close']);
  });

  it('that cannot be loaded leaves the one before', async () => {
    await use('en', 'en-US');
    server.isAway = true;
    await chooseLanguage('de');
    expect([language.value, t('close')]).toEqual(['en', 'Close']);
    server.isAway = false;
    await chooseLanguage('de');
    expect(language.value).toBe('de');
  });

  it('has to be there once, or nothing can be shown', async () => {
    vi.resetModules();
    vi.stubGlobal('navigator', { languages: ['de'] });
    const fresh = await import('../src/locales');
    server.isAway = true;
    await expect(fresh.chooseLanguage(null)).rejects.toThrow('away');
    expect(fresh.t('close')).toBe('');
    server.isAway = false;
    await fresh.chooseLanguage(null);
    expect(fresh.t('close')).not.toBe('');
  });
});

describe('a part of the texts', () => {
  it('that cannot be loaded is loaded the next time, and is then there in each language', async () => {
    await use('en', 'en-US');
    server.isAway = true;
    await expect(loadTexts('door')).rejects.toThrow('away');
    expect([isKey('door.log-in'), t('close')]).toEqual([false, 'Close']);
    server.isAway = false;
    await loadTexts('door');
    expect(t('door.log-in')).toBe('Log in');
    await chooseLanguage('de');
    expect(t('door.log-in')).not.toMatch(/^(?:Log in)?$/);
    await chooseLanguage('en');
  });
});

describe('a number or a time', () => {
  const noon = new Date(2026, 10, 28, 13, 5, 9);

  it('is written as in the region of the browser, if that has the language', async () => {
    await use('en', 'en-GB', 'en-US');
    expect([formatTime(noon), formatNumber(1234.5)]).toEqual(['13:05', '1,234.5']);
    await use('en', 'de-DE', 'en-US');
    expect(formatTime(noon)).toMatch(/^1:05\sPM$/u);
    await use('de', 'en-US', 'de-CH');
    expect(formatNumber(1234)).toMatch(/^1['’]234$/u);
    await use('de', 'en-US');
    expect(formatNumber(1234)).toBe('1.234');
  });

  it('tells the day only if it is not today', async () => {
    await use('en', 'en-GB');
    const morning = new Date(2026, 10, 28, 0, 0);
    expect(formatBrief(noon, morning)).toBe('13:05');
    for (const now of [new Date(2026, 10, 29), new Date(2026, 9, 28, 13, 5), new Date(2025, 10, 28, 13, 5)])
      expect(formatBrief(noon, now)).toMatch(/28 Nov 2026.*13:05/u);
    expect(formatFull(noon)).toMatch(/Saturday.*28 November 2026.*13:05:09/u);
    expect(formatDate(noon)).toBe('28 November 2026');
  });
});

describe('a day', () => {
  const day = (...date: readonly [number, number, number]) => new Date(...date);

  it('is told by its distance if that is none or one, and by its date otherwise', async () => {
    await use('en', 'en-GB');
    const now = new Date(2027, 0, 1, 0, 30);
    expect(formatDay(new Date(2027, 0, 1, 23, 59), now)).toBe('Today');
    expect(formatDay(new Date(2026, 11, 31, 0, 1), now)).toBe('Yesterday');
    expect(formatDay(day(2026, 11, 30), now)).toBe('30 December 2026');
    expect(formatDay(day(2027, 0, 2), now)).toMatch(/^Saturday,? 2 January$/u);
    expect(formatDay(day(2027, 11, 31), now)).toMatch(/^Friday,? 31 December$/u);
    await use('de', 'de-DE');
    expect(formatDay(day(2026, 11, 30), now)).toBe('30. Dezember 2026');
    expect(formatDay(day(2027, 0, 1), now)).toBe('Heute');
  });
});
