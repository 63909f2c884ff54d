// The golden files of the server: every JSON line that its encoder writes, and the words of the protocol.
import { readFileSync } from 'node:fs';

const DIRECTORY = new URL('../../crates/proto/golden/', import.meta.url);

/** Every JSON line of the server's golden tables. */
export const GOLDEN_LINES: readonly string[] = readFileSync(new URL('events.jsonl', DIRECTORY), 'utf8')
  .trimEnd()
  .split('\n');

interface Vocabulary {
  readonly refusals: readonly string[];
  readonly goodbyes: readonly string[];
  readonly roles: readonly string[];
  readonly actions: readonly string[];
  readonly access: readonly string[];
  readonly post: readonly string[];
  readonly commands: readonly {
    readonly word: string;
    readonly usage: string;
    readonly operators: boolean;
  }[];
}

/** The words of the protocol. */
export const VOCABULARY = JSON.parse(
  readFileSync(new URL('vocabulary.json', DIRECTORY), 'utf8'),
) as Vocabulary;
