// The shape of a language: every language has exactly the keys of English, and a plural where English has one.

import type { en } from './en';
import type { enMore } from './en-more';

type Texts<T> = {
  readonly [K in keyof T]: T[K] extends string ? string : readonly [one: string, other: string];
};

export type Key = keyof typeof en;
export type MoreKey = keyof typeof enMore;
export type Locale = Texts<typeof en>;
export type MoreLocale = Texts<typeof enMore>;
export type Entry = string | readonly [one: string, other: string];
export type Params = Readonly<Record<string, string | number>>;
