// Builds the lines that a client sends. A line built here is one line, whatever a user typed.

/** Control characters of the protocol, TAB excepted: the server removes them from texts. */
const CONTROLS =
  // eslint-disable-next-line no-control-regex -- They are what is looked for.
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** Characters that show nothing. */
const INVISIBLE =
  /[\s\p{Default_Ignorable_Code_Point}\u{fff9}-\u{fffb}\u{13430}-\u{1343f}\u{2800}\u{13441}\u{13442}\u{1d159}]/gu;

/** A text as the server keeps it: without control characters. */
export function cleanText(text: string): string {
  return text.replace(CONTROLS, '');
}

/** Whether a text shows nothing, so that the server would ignore or refuse it. */
export function isBlank(text: string): boolean {
  return cleanText(text).replace(INVISIBLE, '') === '';
}

/** A word as an argument: quoted where it has to be. */
export function word(value: string): string {
  const clean = cleanText(value);
  const plain = clean !== '' && !/[\s"\\]/u.test(clean);
  return plain ? clean : `"${clean.replace(/["\\]/gu, '\\$&')}"`;
}

/** A command with words as arguments, and possibly a text behind them. */
export function command(name: string, words: readonly (string | number)[] = [], text?: string): string {
  const line = [`/${name}`, ...words.map((each) => word(String(each)))].join(' ');
  return text === undefined || text === '' ? line : `${line} ${cleanText(text)}`;
}

/** A line that the server carries out at most once, however often it is sent with this key. */
export function once(key: string, line: string): string {
  return `/once ${key} ${line}`;
}

/** The lines of what was typed: each becomes a message. Those that show nothing are left out. */
export function messagesOf(typed: string): string[] {
  return typed
    .split(/\r\n|[\n\r]/u)
    .map(cleanText)
    .filter((line) => !isBlank(line));
}
