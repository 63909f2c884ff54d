// The language of the page: chooses it, looks texts up, and writes dates, times and numbers as that language does.
// Texts are loaded when they are wanted: those of one language, and of that only the parts that are in use.

import { batch, computed, signal } from '@preact/signals';

import type { Entry, Key, Params, Part, Texts } from './types';

/** What the user may choose, each in its own words. */
export const LANGUAGES = [
  ['en', 'English'],
  ['de', 'Deutsch'],
] as const;

type Language = (typeof LANGUAGES)[number][0];

const LOADERS: Readonly<
  Record<Language, { readonly [P in Part]: () => Promise<{ readonly texts: Texts[P] }> }>
> = {
  en: {
    basic: () => import('./en'),
    door: () => import('./en-door'),
    more: () => import('./en-more'),
  },
  de: {
    basic: () => import('./de'),
    door: () => import('./de-door'),
    more: () => import('./de-more'),
  },
};

/** The parts in use, each with its loading. */
const parts = new Map<Part, Promise<void>>();
const texts = signal<Readonly<Record<string, Entry>>>({});

/** The language in use. */
export const language = signal<Language>('en');

let last: Promise<void> = Promise.resolve();

/** Loads all parts in use, after what is being loaded already. */
function load(choose: () => Language): Promise<void> {
  const run = async () => {
    const choice = choose();
    const found = await Promise.all([...parts.keys()].map((part) => LOADERS[choice][part]()));
    batch(() => {
      texts.value = Object.assign({}, ...found.map((module) => module.texts)) as Record<string, Entry>;
      language.value = choice;
    });
  };
  last = last.then(run, run);
  return last;
}

/**
 * Takes the language of this tag, or that of the browser. One that cannot be loaded leaves the page in the language
 * before; rejects if there is none.
 */
export async function chooseLanguage(tag: string | null): Promise<void> {
  const choose = () => known(tag ?? '') ?? ofBrowser();
  if (parts.size === 0) return use('basic', choose);
  try {
    await load(choose);
  } catch (error) {
    console.warn('the language cannot be loaded', error);
  }
}

/** Loads a part of the texts, which is in use from now on. Rejects if it cannot be loaded. */
export function loadTexts(part: Part): Promise<void> {
  return parts.get(part) ?? use(part, () => language.peek());
}

function use(part: Part, choose: () => Language): Promise<void> {
  const loading = load(choose).catch((error: unknown) => {
    parts.delete(part);
    throw error;
  });
  parts.set(part, loading);
  return loading;
}

const plurals = computed(() => new Intl.PluralRules(language.value));
const numbers = computed(() => new Intl.NumberFormat(region()));
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
  return fill(texts.value[key] ?? '', params);
}

/** Puts values into a text. */
function fill(entry: Entry, params: Params): string {
  const form =
    typeof entry === 'string' ? entry : entry[plurals.value.select(Number(params['n'])) === 'one' ? 0 : 1];
  return form.replace(/\{(\w+)\}/g, (hole, name: string) => {
    const value = params[name];
    return value === undefined ? hole : typeof value === 'number' ? formatNumber(value) : value;
  });
}

/** Whether there is a text of this key, as far as they are loaded. */
export function isKey(key: string): key is Key {
  return key in texts.value;
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

/** Day and time in short, for lists; only the time if it is today. */
export function formatBrief(time: Date, now = new Date()): string {
  return (midnight(time) === midnight(now) ? clock : brief).value.format(time);
}

/** A date with its year. */
export function formatDate(day: Date): string {
  return dayWithYear.value.format(day);
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

function known(tag: string): Language | undefined {
  const short = tag.slice(0, 2).toLowerCase();
  return LANGUAGES.find(([each]) => each === short)?.[0];
}

function ofBrowser(): Language {
  return navigator.languages.map(known).find((tag) => tag !== undefined) ?? 'en';
}

/** The tag for dates: the region of the browser if it fits the language, so that en-GB keeps its clock. */
function region(): string {
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith(language.value)) ?? language.value;
}
