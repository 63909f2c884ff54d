// Completion in the composer: finds the word before the cursor and what it may become. Pure; the lists come from outside.

export type CompletionKind = 'user' | 'room' | 'command' | 'emoji';

/** The unfinished word before the cursor. */
export interface Query {
  readonly kind: CompletionKind;
  /** What stands behind the sigil, in lower case. */
  readonly prefix: string;
  /** Where the word begins, sigil included, and where it ends. */
  readonly start: number;
  readonly end: number;
}

export interface Candidate {
  readonly kind: CompletionKind;
  /** What is shown and compared, without its sigil. */
  readonly name: string;
  /** What replaces the word. */
  readonly insert: string;
  /** A second column, for example the usage of a command or the emoji itself. */
  readonly detail?: string | undefined;
}

const COMMAND = /^\/([a-z]*)$/i;
const WORD = /(?:^|[\s(])([@#:])([a-z0-9_+-]*)$/i;
/** An emoji is offered from the second letter on, so that `:)` and a colon before a word stay quiet. */
const EMOJI_LETTERS = 2;

/** What is being typed at `cursor`, or null. */
export function queryAt(text: string, cursor: number): Query | null {
  const before = text.slice(0, cursor);
  const command = COMMAND.exec(before);
  if (command) return { kind: 'command', prefix: (command[1] ?? '').toLowerCase(), start: 0, end: cursor };
  const word = WORD.exec(before);
  if (!word) return null;
  const prefix = (word[2] ?? '').toLowerCase();
  const kind = word[1] === '@' ? 'user' : word[1] === '#' ? 'room' : 'emoji';
  if (kind === 'emoji' && prefix.length < EMOJI_LETTERS) return null;
  return { kind, prefix, start: cursor - prefix.length - 1, end: cursor };
}

/** The word before the cursor as the beginning of a name, for the Tab key. */
export function bareQueryAt(text: string, cursor: number): Query | null {
  const word = /(?:^|\s)([a-z0-9][a-z0-9_-]*)$/i.exec(text.slice(0, cursor));
  const prefix = word?.[1];
  if (!prefix) return null;
  return { kind: 'user', prefix: prefix.toLowerCase(), start: cursor - prefix.length, end: cursor };
}

/** The candidates that fit, best first: those that begin with the prefix, then those that contain it. */
export function matching(candidates: readonly Candidate[], prefix: string, limit = 8): readonly Candidate[] {
  const begins = candidates.filter((candidate) => candidate.name.startsWith(prefix));
  if (begins.length >= limit || prefix === '') return begins.slice(0, limit);
  const contains = candidates.filter(({ name }) => !name.startsWith(prefix) && name.includes(prefix));
  return [...begins, ...contains].slice(0, limit);
}

/** The query with what was typed since it was made, as far as that is a part of `name`. */
export function grown(query: Query, text: string, cursor: number, name: string): Query {
  const typed = text.slice(query.end, cursor).toLowerCase();
  return name.includes(query.prefix + typed) ? { ...query, end: query.end + typed.length } : query;
}

/** The text with the word of `query` replaced, and the place of the cursor behind it. */
export function completed(
  text: string,
  query: Query,
  insert: string,
): { readonly text: string; readonly cursor: number } {
  const rest = text.slice(query.end);
  const piece = rest.startsWith(' ') ? insert : `${insert} `;
  const head = text.slice(0, query.start) + piece;
  return { text: head + rest, cursor: rest.startsWith(' ') ? head.length + 1 : head.length };
}
