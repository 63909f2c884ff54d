// The shape of a language: every language has exactly the keys of English, and a plural where English has one.

import type { en } from './en';

/** A text, or its forms for one and for more. */
export type Entry = string | readonly [one: string, other: string];
export type Key = keyof typeof en;
export type Locale = {
  readonly [K in Key]: (typeof en)[K] extends string ? string : readonly [string, string];
};
export type Params = Readonly<Record<string, string | number>>;
