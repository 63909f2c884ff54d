// Makes lines of the protocol out of what stands in the composer. Pure.

/** The longest line that surely fits into one message, in bytes of UTF-8. The rest of a line of the protocol is for its command. */
export const LONGEST_MESSAGE = 3800;

export type Draft =
  | { readonly kind: 'empty' }
  | { readonly kind: 'command'; readonly line: string }
  | { readonly kind: 'messages'; readonly texts: readonly string[] }
  | { readonly kind: 'too-long'; readonly line: number; readonly surplus: number };

const encoder = new TextEncoder();
const VISIBLE = /[^\s\p{Default_Ignorable_Code_Point}\p{Cc}\u2800]/u;

/** Reads a draft: one line with a slash is a command, a double slash stands for a slash, each other line is a message. */
export function readDraft(text: string): Draft {
  const lines = text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => VISIBLE.test(line));
  const first = lines[0];
  if (first === undefined) return { kind: 'empty' };
  if (lines.length === 1 && /^\/(?!\/)/.test(first)) return { kind: 'command', line: first };
  const texts = lines.map((line) => (line.startsWith('//') ? line.slice(1) : line));
  for (const [index, line] of texts.entries()) {
    const surplus = encoder.encode(line).length - LONGEST_MESSAGE;
    if (surplus > 0) return { kind: 'too-long', line: index + 1, surplus };
  }
  return { kind: 'messages', texts };
}
