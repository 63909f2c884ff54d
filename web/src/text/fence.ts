// Finds code blocks. A message is one line, so a code block is a run of messages of one author between two fences.

/** What a line is within its run: ordinary text, the first or last fence, or code between them. */
export type FencePart = 'none' | 'open' | 'code' | 'close';

export interface FenceLine {
  readonly author: string;
  readonly text: string;
}

const FENCE = /^```\s*([\w+#.-]*)\s*$/;
/** A longer block is shown as plain text, so that a lost fence does not cost a walk through the whole log. */
const LONGEST = 200;

/** What the line at `index` is. `line` gives null for what is not a message of somebody. */
export function fencePart(line: (index: number) => FenceLine | null, index: number): FencePart {
  const here = line(index);
  if (!here) return 'none';
  const start = runStart(line, index, here.author);
  for (let open = start; open <= index;) {
    if (!isFence(line(open))) {
      open++;
      continue;
    }
    const close = closing(line, open, here.author);
    if (close < 0) return 'none';
    if (index <= close) return index === open ? 'open' : index === close ? 'close' : 'code';
    open = close + 1;
  }
  return 'none';
}

/** The language named by an opening fence, or an empty string. */
export function fenceLanguage(text: string): string {
  return FENCE.exec(text)?.[1] ?? '';
}

function isFence(line: FenceLine | null): boolean {
  return line !== null && FENCE.test(line.text);
}

function runStart(line: (index: number) => FenceLine | null, index: number, author: string): number {
  let start = index;
  while (start > 0 && index - start < LONGEST && line(start - 1)?.author === author) start--;
  return start;
}

function closing(line: (index: number) => FenceLine | null, open: number, author: string): number {
  for (let at = open + 1; at - open <= LONGEST; at++) {
    const next = line(at);
    if (next?.author !== author) return -1;
    if (next.text.trim() === '```') return at;
  }
  return -1;
}
