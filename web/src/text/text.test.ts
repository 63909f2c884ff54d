// What is found in a text, and that no text, whoever wrote it, becomes more than text.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBlock } from './block';
import { completed, grown, matching, queryAt, type Candidate } from './complete';
import { readDraft } from './compose';
import { fenceParts, type FenceLine } from './fence';
import { parseInline, type Inline } from './inline';
import { isolated } from './isolate';

/** The parts of a text in short. */
function short(inlines: readonly Inline[]): unknown[] {
  return inlines.map((part) => {
    if (part.kind === 'text') return part.text;
    if ('children' in part) return [part.kind, ...short(part.children)];
    return [part.kind, part.kind === 'link' ? part.href : part.text];
  });
}
const parts = (text: string) => short(parseInline(text));
/** The text without its marks: what is shown. */
function shown(inlines: readonly Inline[]): string {
  return inlines.map((part) => ('children' in part ? shown(part.children) : part.text)).join('');
}

describe('inside a line', () => {
  it.each<[string, unknown[]]>([
    ['plain', ['plain']],
    ['*one to nine*, please', [['em', 'one to nine'], ', please']],
    [
      '**bold** and _em_ and ~~gone~~',
      [['strong', 'bold'], ' and ', ['em', 'em'], ' and ', ['strike', 'gone']],
    ],
    ['**bold *and em***', [['strong', 'bold ', ['em', 'and em']]]],
    ['2 * 3 * 4', ['2 * 3 * 4']],
    ['snake_case_name', ['snake_case_name']],
    ['`a *b* c`', [['code', 'a *b* c']]],
    ['`` a ` b ``', [['code', 'a ` b']]],
    ['not `closed', ['not `closed']],
    ['@bob and #garden', [['user', '@bob'], ' and ', ['room', '#garden']]],
    ['mail@example.org, #1', ['mail@example.org, #1']],
    ['see https://example.org/a_b_c.', ['see ', ['link', 'https://example.org/a_b_c'], '.']],
    ['(https://example.org/x_(y))', ['(', ['link', 'https://example.org/x_(y)'], ')']],
    ['www.example.org!', [['link', 'https://www.example.org'], '!']],
  ])('%s', (text, expected) => {
    expect(parts(text)).toEqual(expected);
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    '<a href="https://example.org">x</a>'.replace('https', 'ftp'),
    'https://user:secret@example.org/',
    'https://',
    'vbscript:x http:// https://<script>',
  ])('makes no link of %s', (text) => {
    expect(JSON.stringify(parts(text))).not.toContain('"link"');
  });

  it('loses nothing but marks, and makes links to the web only, whatever the text is', () => {
    const letters = fc.constantFrom(
      ...Array.from('ab *_~`@#:/.<>"\'()[]\u202e\u0300\u200b🎉'),
      'https://',
      'javascript:',
      'www.',
    );
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 60 }), (pieces) => {
        const text = pieces.join('');
        const inlines = parseInline(text);
        const bare = (value: string) => value.replace(/[*_~` ]/g, '');
        expect(bare(shown(inlines))).toBe(bare(text));
        for (const href of JSON.stringify(parts(text)).matchAll(/\["link","([^"]*)"/g)) {
          expect(href[1]).toMatch(/^https?:\/\//);
        }
      }),
    );
  });

  it.each([
    '*'.repeat(4000),
    '**a '.repeat(1000),
    '`'.repeat(4001),
    '_*'.repeat(2000),
    '> '.repeat(2000),
    '#a@b'.repeat(999),
  ])('is read fast even if it is made to be slow: %#', (text) => {
    const start = performance.now();
    parseBlock(text);
    expect(performance.now() - start).toBeLessThan(200);
  });
});

describe('a line', () => {
  it.each([
    ['> said', 'quote'],
    ['- one', 'bullet'],
    ['2. two', 'numbered'],
    ['🎉👍🏽', 'emoji'],
    ['👩‍👩‍👧', 'emoji'],
    ['5', 'paragraph'],
    ['>', 'paragraph'],
    ['-5 degrees', 'paragraph'],
    ['12345. text', 'paragraph'],
  ])('%s is a %s', (text, kind) => {
    expect(parseBlock(text).kind).toBe(kind);
  });
});

describe('a block of code', () => {
  const partsOf = (lines: readonly FenceLine[]) =>
    fenceParts((at) => lines[at] ?? null, 0, lines.length).join(' ');
  const say = (author: string, ...texts: string[]) => texts.map((text) => ({ author, text }));

  it('lies between two fences of one author', () => {
    expect(partsOf(say('bob', 'look:', '```rust', 'a', '', '```', 'so'))).toBe(
      'none open code code close none',
    );
  });

  it('does not reach over somebody else, and needs its end', () => {
    expect(partsOf([...say('bob', '```', 'a'), ...say('eve', '```', 'b', '```')])).toBe(
      'none none open code close',
    );
    expect(partsOf(say('bob', '```', 'a', 'b'))).toBe('none none none');
  });
});

describe('a draft', () => {
  it('is a command, messages, or nothing', () => {
    expect(readDraft('/topic x')).toEqual({ kind: 'command', line: '/topic x' });
    expect(readDraft('//shrug')).toEqual({ kind: 'messages', texts: ['/shrug'] });
    expect(readDraft('a\n\n  b  \n')).toEqual({ kind: 'messages', texts: ['a', '  b'] });
    expect(readDraft(' \u200b\u2800\n\u00ad')).toEqual({ kind: 'empty' });
    expect(readDraft(`ok\n${'ä'.repeat(2000)}`)).toEqual({ kind: 'too-long', line: 2, surplus: 200 });
  });
});

describe('completion', () => {
  it('knows what is being typed', () => {
    expect(queryAt('hello @bo', 9)).toMatchObject({ kind: 'user', prefix: 'bo', start: 6 });
    expect(queryAt('/to', 3)).toMatchObject({ kind: 'command', prefix: 'to' });
    expect(queryAt('see (#ga', 8)).toMatchObject({ kind: 'room', prefix: 'ga' });
    expect(queryAt('nice :th', 8)).toMatchObject({ kind: 'emoji', prefix: 'th' });
    expect(queryAt('a:)', 3)).toBeNull();
    expect(queryAt('x @bob y', 8)).toBeNull();
    expect(queryAt('say /to', 7)).toBeNull();
  });

  it('offers what begins so first, and puts the cursor behind what it inserts', () => {
    const names: Candidate[] = ['carol', 'bob', 'abob'].map((name) => ({
      kind: 'user',
      name,
      insert: `@${name}`,
    }));
    expect(matching(names, 'bo').map(({ name }) => name)).toEqual(['bob', 'abob']);
    const query = queryAt('hi @bo, you', 6);
    expect(query && completed('hi @bo, you', query, '@bob')).toEqual({ text: 'hi @bob , you', cursor: 8 });
  });

  it('replaces what was typed since the list was drawn, too', () => {
    const query = queryAt('hi @d', 5);
    expect(query && grown(query, 'hi @DMi you', 7, 'dmitri').end).toBe(7);
    expect(query && grown(query, 'hi @dx you', 6, 'dmitri').end).toBe(5);
    expect(query && grown(query, 'hi @d', 2, 'dmitri').end).toBe(5);
  });
});

describe('text in the middle of another', () => {
  it('cannot turn it around', () => {
    expect(isolated('\u202eabc\u2069\u2066')).toBe('\u2068abc\u2069');
  });
});
