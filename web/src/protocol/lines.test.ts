// Lines are single lines, and say what they should.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText, command, isBlank, messagesOf, once, word } from './lines';
import { wordsOf } from './words';

describe('lines', () => {
  it.each([
    ['plain', 'plain'],
    ['two words', '"two words"'],
    ['say "hi"', '"say \\"hi\\""'],
    ['back\\slash', '"back\\\\slash"'],
    ['', '""'],
  ])('writes the word %s as %s', (value, written) => expect(word(value)).toBe(written));

  it('reads the words that it wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
        expect(wordsOf(command('passwd', words))).toEqual(['/passwd', ...words.map(cleanText)]);
      }),
    );
  });

  it('keeps the spaces of a text, and sends it once', () => {
    expect(once('k', command('say', ['garden'], '  roses "need" water'))).toBe(
      '/once k /say garden   roses "need" water',
    );
  });

  it('makes one line of whatever was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (name, text) => {
        const line = command('msg', [name], text);
        expect(line).not.toMatch(/[\n\r\u2028]/u);
      }),
    );
  });

  it('makes a message of each line that shows something', () => {
    expect(messagesOf('one\r\n\n  \u200b\ntwo\u202e\r three')).toEqual(['one', 'two', ' three']);
  });

  it.each(['', ' \t', '\u200b', '\u3164', '\u2800', '\u0007'])('sees that %j is blank', (text) => {
    expect(isBlank(text)).toBe(true);
  });
});
