// Reads the words of a line that a user typed, as the server reads them.

/** The words of a line, without the quotes that they have there. */
export function wordsOf(line: string): string[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|\S+/gu) ?? [];
  return words.map((each) => (each.startsWith('"') ? each.slice(1, -1).replace(/\\(.)/gu, '$1') : each));
}
