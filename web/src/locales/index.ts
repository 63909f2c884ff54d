// The language of the page: chooses it, looks texts up, and writes dates, times and numbers as that language does.

import { computed, signal } from '@preact/signals';

import { de } from './de';
import { en } from './en';
import type { Key, Locale, Params } from './types';

export const LOCALES: Readonly<Record<string, Locale>> = { en, de };

export type LanguageChoice = 'auto' | 'en' | 'de';

/** What the user chose; `auto` follows the browser. */
export const languageChoice = signal<LanguageChoice>('auto');

/** The language in use. */
export const language = computed(() =>
  languageChoice.value === 'auto' ? ofBrowser() : languageChoice.value,
);

const plurals = computed(() => new Intl.PluralRules(language.value));
const numbers = computed(() => new Intl.NumberFormat(language.value));
const clock = computed(() => new Intl.DateTimeFormat(region(), { timeStyle: 'short' }));
const dayWithoutYear = computed(
  () => new Intl.DateTimeFormat(region(), { weekday: 'long', day: 'numeric', month: 'long' }),
);
const dayWithYear = computed(() => new Intl.DateTimeFormat(region(), { dateStyle: 'long' }));
const full = computed(() => new Intl.DateTimeFormat(region(), { dateStyle: 'full', timeStyle: 'medium' }));
const brief = computed(() => new Intl.DateTimeFormat(region(), { dateStyle: 'medium', timeStyle: 'short' }));
const relative = computed(() => new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' }));
const lists = computed(() => new Intl.ListFormat(language.value, { type: 'conjunction' }));

/** The text of `key`. A text with two forms takes the one that fits the number `n`; `{name}` becomes a parameter. */
export function t(key: Key, params: Params = {}): string {
  const entry = (LOCALES[language.value] ?? en)[key];
  const n = params['n'];
  const form = typeof entry === 'string' ? entry : entry[plurals.value.select(Number(n)) === 'one' ? 0 : 1];
  return form.replace(/\{(\w+)\}/g, (hole, name: string) => {
    const value = params[name];
    return value === undefined ? hole : typeof value === 'number' ? formatNumber(value) : value;
  });
}

export function formatNumber(value: number): string {
  return numbers.value.format(value);
}

/** Hours and minutes. */
export function formatTime(time: Date): string {
  return clock.value.format(time);
}

/** Day and time in full, for a title. */
export function formatFull(time: Date): string {
  return full.value.format(time);
}

/** Day and time in short, for lists. */
export function formatBrief(time: Date): string {
  return brief.value.format(time);
}

/** The name of a day as seen from `now`: today, yesterday, or its date. */
export function formatDay(day: Date, now: Date): string {
  const distance = Math.round((midnight(day) - midnight(now)) / 86_400_000);
  if (distance === 0 || distance === -1) return capitalised(relative.value.format(distance, 'day'));
  return (day.getFullYear() === now.getFullYear() ? dayWithoutYear : dayWithYear).value.format(day);
}

/** "a, b and c". */
export function formatList(items: readonly string[]): string {
  return lists.value.format(items);
}

function midnight(day: Date): number {
  return Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
}

function capitalised(text: string): string {
  return text.charAt(0).toLocaleUpperCase(language.value) + text.slice(1);
}

function ofBrowser(): 'en' | 'de' {
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => tag === 'en' || tag === 'de') ?? 'en';
}

/** The tag for dates: the region of the browser if it fits the language, so that en-GB keeps its clock. */
function region(): string {
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith(language.value)) ?? language.value;
}
