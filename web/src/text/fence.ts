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

/** What the lines from `start` up to `end`, without it, are. `line` gives null for what is not a message of somebody. */
export function fenceParts(
  line: (index: number) => FenceLine | null,
  start: number,
  end: number,
): readonly FencePart[] {
  const parts = new Array<FencePart>(Math.max(0, end - start)).fill('none');
  const set = (index: number, part: FencePart) => {
    if (index >= start && index < end) parts[index - start] = part;
  };
  for (let at = runStart(line, start); at < end;) {
    const close = isFence(line(at)) ? closing(line, at) : -1;
    if (close < 0) {
      at++;
      continue;
    }
    set(at, 'open');
    for (let code = at + 1; code < close; code++) set(code, 'code');
    set(close, 'close');
    at = close + 1;
  }
  return parts;
}

/** The language named by an opening fence, or an empty string. */
export function fenceLanguage(text: string): string {
  return FENCE.exec(text)?.[1] ?? '';
}

function isFence(line: FenceLine | null): boolean {
  return line?.text.startsWith('```') === true && FENCE.test(line.text);
}

/** Where the run of one author begins that the line is in. */
function runStart(line: (index: number) => FenceLine | null, index: number): number {
  const author = line(index)?.author;
  let start = index;
  while (author !== undefined && start > 0 && index - start < LONGEST && line(start - 1)?.author === author)
    start--;
  return start;
}

/** The line that closes a fence; -1 if none does. */
function closing(line: (index: number) => FenceLine | null, open: number): number {
  const author = line(open)?.author;
  for (let at = open + 1; at - open <= LONGEST; at++) {
    const next = line(at);
    if (!next || next.author !== author) return -1;
    if (next.text.trim() === '```') return at;
  }
  return -1;
}
