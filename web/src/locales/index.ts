// The language of the page: chooses it, looks texts up, and writes dates, times and numbers as that language does.
// English is always there; another language is loaded when it is wanted.

import { computed, signal } from '@preact/signals';

import { en } from './en';
import type { Entry, Key, Locale, MoreLocale, Params } from './types';

/** What the user may choose, each in its own words. */
export const LANGUAGES = [
  ['en', 'English'],
  ['de', 'Deutsch'],
] as const;

type Language = (typeof LANGUAGES)[number][0];

/** The texts of a language; `more` is null in English, where those texts come with the parts that need them. */
interface Texts {
  readonly basic: Locale;
  readonly more: MoreLocale | null;
}

const LOADERS: Readonly<Record<Exclude<Language, 'en'>, () => Promise<Texts>>> = {
  de: () => import('./de').then(({ de, deMore }) => ({ basic: de, more: deMore })),
};

const ENGLISH: Texts = { basic: en, more: null };
const wanted = signal<Language>('en');
const loaded = signal<ReadonlyMap<Language, Texts>>(new Map<Language, Texts>([['en', ENGLISH]]));
const texts = computed(() => loaded.value.get(wanted.value) ?? ENGLISH);

/** The language in use. */
export const language = computed(() => (loaded.value.has(wanted.value) ? wanted.value : 'en'));

/** Takes the language of this tag, or that of the browser. Resolves when it is in use, or cannot be loaded. */
export async function chooseLanguage(tag: string | null): Promise<void> {
  const choice = known(tag ?? '') ?? ofBrowser();
  if (choice !== 'en' && !loaded.value.has(choice)) await load(choice);
  wanted.value = choice;
}

/** A language that cannot be loaded, for example without a connection, leaves the page in English. */
async function load(choice: Exclude<Language, 'en'>): Promise<void> {
  try {
    const found = await LOADERS[choice]();
    loaded.value = new Map(loaded.value).set(choice, found);
  } catch (error) {
    console.warn('the language cannot be loaded', choice, error);
  }
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
  return fill(texts.value.basic[key], params);
}

/** The texts of this language for what is loaded later; null if they come with it. */
export function moreTexts(): MoreLocale | null {
  return texts.value.more;
}

/** Puts values into a text. */
export function fill(entry: Entry, params: Params): string {
  const form =
    typeof entry === 'string' ? entry : entry[plurals.value.select(Number(params['n'])) === 'one' ? 0 : 1];
  return form.replace(/\{(\w+)\}/g, (hole, name: string) => {
    const value = params[name];
    return value === undefined ? hole : typeof value === 'number' ? formatNumber(value) : value;
  });
}

/** Whether there is a text of this key. */
export function isKey(key: string): key is Key {
  return key in en;
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
