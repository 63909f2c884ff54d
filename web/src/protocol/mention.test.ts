// Who is mentioned, and who is not.
import { expect, it } from 'vitest';
import { mentionOf } from './mention';

it.each([
  ['@alice can you?', true],
  ['Alice: hello', true],
  ['thank you, alice', true],
  ['malice', false],
  ['alice-2 said so', false],
  ['älice', false],
  ['not for alices', false],
])('%s', (text, mentioned) => expect(mentionOf('alice').test(text)).toBe(mentioned));
