// The shape of a language: every language has exactly the keys of English, and a plural where English has one.

import type { en } from './en';

export type Key = keyof typeof en;
export type Locale = {
  readonly [K in Key]: (typeof en)[K] extends string ? string : readonly [one: string, other: string];
};
export type Params = Readonly<Record<string, string | number>>;
