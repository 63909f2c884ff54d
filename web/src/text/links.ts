// Recognises web addresses in text. Only http and https become links, so no text can make a link that runs a script.

export interface Link {
  /** The address as it stands in the text. */
  readonly text: string;
  /** Where the link leads. */
  readonly href: string;
}

const ADDRESS = /(?:https?:\/\/|www\.)[^\s<>"`]+/iy;
const TRAILING = ".,;:!?'*_~";
const OPENS: Readonly<Record<string, string>> = { ')': '(', ']': '[' };

/** The address that begins at `at`, without the punctuation of the sentence around it. */
export function linkAt(text: string, at: number): Link | null {
  ADDRESS.lastIndex = at;
  const match = ADDRESS.exec(text);
  if (!match) return null;
  const shown = trimmed(match[0]);
  const href = /^www\./i.test(shown) ? `https://${shown}` : shown;
  return isWebAddress(href) ? { text: shown, href } : null;
}

function trimmed(address: string): string {
  const surplus = new Map(
    Object.entries(OPENS).map(([close, open]) => [close, count(address, close) - count(address, open)]),
  );
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1] ?? '';
    const unmatched = surplus.get(last) ?? 0;
    if (unmatched > 0) surplus.set(last, unmatched - 1);
    else if (!TRAILING.includes(last)) break;
  }
  return address.slice(0, end);
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}

function isWebAddress(href: string): boolean {
  if (!URL.canParse(href)) return false;
  const url = new URL(href);
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '' && !url.username;
}
