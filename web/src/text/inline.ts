// Finds code, emphasis, links, mentions and rooms inside one line of text. Pure: it makes data, never markup.

import { linkAt } from './links';

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }
  | { readonly kind: 'user'; readonly text: string; readonly name: string }
  | { readonly kind: 'room'; readonly text: string; readonly name: string }
  | { readonly kind: Emphasis; readonly children: readonly Inline[] };

type Emphasis = 'strong' | 'em' | 'strike';

/** A piece of markup and the place behind it. */
interface Found {
  readonly node: Inline;
  readonly end: number;
}

const DELIMITERS: readonly (readonly [string, Emphasis])[] = [
  ['**', 'strong'],
  ['~~', 'strike'],
  ['*', 'em'],
  ['_', 'em'],
];
/** Emphasis inside emphasis; what lies deeper is plain text. */
const DEEPEST = 3;
const STARTS = /[`*_~hw@#]/gi;
const WORD = /[\p{L}\p{N}_]/u;
const SPACE = /\s/;
const USER = /@([a-z0-9][a-z0-9_-]{0,31})(?![a-z0-9_-])/iy;
const ROOM = /#([a-z0-9][a-z0-9_-]{0,63})(?![a-z0-9_-])/iy;

/** Splits `text` into its parts. Takes time in proportion to the length, whatever is in the text. */
export function parseInline(text: string, depth = 0): readonly Inline[] {
  const out: Inline[] = [];
  const unclosed = new Set<string>();
  let plain = 0;
  let at = nextStart(text, 0);
  while (at < text.length) {
    const found = markupAt(text, at, unclosed, depth);
    if (found) {
      if (at > plain) out.push({ kind: 'text', text: text.slice(plain, at) });
      out.push(found.node);
      plain = found.end;
    }
    at = nextStart(text, found ? found.end : endOfRun(text, at));
  }
  if (plain < text.length) out.push({ kind: 'text', text: text.slice(plain) });
  return out;
}

function nextStart(text: string, from: number): number {
  STARTS.lastIndex = from;
  return STARTS.exec(text)?.index ?? text.length;
}

/** Behind a run of backticks, which is never looked at in part; behind one sign of anything else. */
function endOfRun(text: string, at: number): number {
  let end = at + 1;
  if (text[at] === '`') while (text[end] === '`') end++;
  return end;
}

function markupAt(text: string, at: number, unclosed: Set<string>, depth: number): Found | null {
  switch (text[at]) {
    case '`':
      return codeAt(text, at, unclosed);
    case '@':
      return nameAt(text, at, 'user', USER);
    case '#':
      return nameAt(text, at, 'room', ROOM);
    case '*':
    case '_':
    case '~':
      return depth < DEEPEST ? emphasisAt(text, at, unclosed, depth) : null;
    default:
      return atWordStart(text, at) ? linkFound(text, at) : null;
  }
}

function linkFound(text: string, at: number): Found | null {
  const link = linkAt(text, at);
  return link && { node: { kind: 'link', text: link.text, href: link.href }, end: at + link.text.length };
}

function codeAt(text: string, at: number, unclosed: Set<string>): Found | null {
  const end = endOfRun(text, at);
  const fence = text.slice(at, end);
  if (unclosed.has(fence)) return null;
  const close = closingFence(text, end, fence);
  if (close < 0) {
    unclosed.add(fence);
    return null;
  }
  const inner = text.slice(end, close);
  const code = /^ .*\S.* $/.test(inner) ? inner.slice(1, -1) : inner;
  return { node: { kind: 'code', text: code }, end: close + fence.length };
}

/** Finds a run of exactly as many backticks. */
function closingFence(text: string, from: number, fence: string): number {
  for (let at = text.indexOf('`', from); at >= 0;) {
    const end = endOfRun(text, at);
    if (end - at === fence.length) return at;
    at = text.indexOf('`', end);
  }
  return -1;
}

function emphasisAt(text: string, at: number, unclosed: Set<string>, depth: number): Found | null {
  for (const [mark, kind] of DELIMITERS) {
    const start = at + mark.length;
    if (!text.startsWith(mark, at) || unclosed.has(mark)) continue;
    if (!atWordStart(text, at) || SPACE.test(text[start] ?? ' ')) continue;
    const close = closingMark(text, start, mark);
    if (close > start) {
      return {
        node: { kind, children: parseInline(text.slice(start, close), depth + 1) },
        end: close + mark.length,
      };
    }
    unclosed.add(mark);
  }
  return null;
}

function closingMark(text: string, from: number, mark: string): number {
  for (let at = text.indexOf(mark, from + 1); at >= 0; at = text.indexOf(mark, at + 1)) {
    // Of a run of three the last two end `**`, so that the first may end `*` inside.
    if (mark.length === 2 && text[at + 2] === mark[0]) continue;
    const single = mark.length === 1 && (text[at + 1] === mark || text[at - 1] === mark);
    const open = SPACE.test(text[at - 1] ?? ' ');
    if (!single && !open && !WORD.test(text[at + mark.length] ?? ' ')) return at;
  }
  return -1;
}

function nameAt(text: string, at: number, kind: 'user' | 'room', form: RegExp): Found | null {
  if (!atWordStart(text, at) || text[at - 1] === '/') return null;
  form.lastIndex = at;
  const match = form.exec(text);
  const name = match?.[1]?.toLowerCase();
  if (!match || !name || (kind === 'room' && !/[a-z]/.test(name))) return null;
  return { node: { kind, text: match[0], name }, end: at + match[0].length };
}

function atWordStart(text: string, at: number): boolean {
  return at === 0 || !WORD.test(text[at - 1] ?? ' ');
}
