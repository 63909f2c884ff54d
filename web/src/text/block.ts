// Tells what one line of a message is: a paragraph, a quote, a list item, or a few large emoji.

import { parseInline, type Inline } from './inline';

export type Block =
  | { readonly kind: 'paragraph' | 'quote' | 'bullet'; readonly inlines: readonly Inline[] }
  | { readonly kind: 'numbered'; readonly number: string; readonly inlines: readonly Inline[] }
  | { readonly kind: 'emoji'; readonly text: string };

const QUOTE = /^>\s?(?=\S)/;
const BULLET = /^\s*[-*•]\s+(?=\S)/;
const NUMBERED = /^\s*(\d{1,4})[.)]\s+(?=\S)/;
const ONLY_EMOJI =
  /^(?:(?:\p{Extended_Pictographic}|\p{RI}\p{RI})(?:\u200d|\ufe0f|\p{EMod}|\p{Extended_Pictographic})*\s?){1,3}$/u;
/** Longer texts are not looked at, since the pattern would take long. */
const EMOJI_LENGTH = 40;

/** Parses one line. A message of the protocol is always one line. */
export function parseBlock(text: string): Block {
  if (text.length <= EMOJI_LENGTH && ONLY_EMOJI.test(text)) return { kind: 'emoji', text };
  const quote = QUOTE.exec(text);
  if (quote) return { kind: 'quote', inlines: parseInline(text.slice(quote[0].length)) };
  const bullet = BULLET.exec(text);
  if (bullet) return { kind: 'bullet', inlines: parseInline(text.slice(bullet[0].length)) };
  const numbered = NUMBERED.exec(text);
  if (numbered) {
    return {
      kind: 'numbered',
      number: numbered[1] ?? '',
      inlines: parseInline(text.slice(numbered[0].length)),
    };
  }
  return { kind: 'paragraph', inlines: parseInline(text) };
}
