// The shape of a language: every language has exactly the keys of English, and a plural where English has one. The texts
// have parts, which are loaded when they are wanted.

import type { texts as basic } from './en';
import type { texts as door } from './en-door';
import type { texts as more } from './en-more';

type As<T> = {
  readonly [K in keyof T]: T[K] extends string ? string : readonly [one: string, other: string];
};

export interface Texts {
  /** What the page shows of itself. */
  readonly basic: As<typeof basic>;
  /** What stands in front of the chat. */
  readonly door: As<typeof door>;
  /** Menus, dialogs, profiles, and the reasons why something is refused. */
  readonly more: As<typeof more>;
}

export type Part = keyof Texts;
export type Key = keyof Texts['basic'] | keyof Texts['door'] | keyof Texts['more'];
export type Entry = string | readonly [one: string, other: string];
export type Params = Readonly<Record<string, string | number>>;
