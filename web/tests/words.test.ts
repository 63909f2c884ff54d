// Sentences of the page: why something did not happen, what happened in a room, and who said something.
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { chooseLanguage, formatBrief, isKey, loadTexts } from '../src/locales';
import type { ModerationRow, PresenceRow } from '../src/store/model';
import { authorText } from '../src/view/author';
import { EventLine } from '../src/view/EventLine';
import { problemText } from '../src/view/problem';
import { doorText, loadDoorText } from '../src/view/reason';
import { say, told, unsay, useTell } from '../src/view/useTell';

/** What keeps the texts of refusals from being loaded. */
const texts = vi.hoisted(() => ({ wait: null as Promise<void> | null }));
vi.mock('../src/locales/en-more', async (original) => {
  const module: object = await original();
  await texts.wait;
  return module;
});

beforeAll(async () => {
  vi.stubGlobal('navigator', { languages: ['en-US'] });
  await chooseLanguage('en');
});

/** The sentence of a line between messages; empty if there is no line. */
function lineOf(row: Parameters<typeof EventLine>[0]['row']): string {
  const line = EventLine({ row, room: 'red' });
  return line === null ? '' : String((line.props as { readonly children: unknown }).children);
}

function moderation(action: string, fields: Partial<ModerationRow> = {}): string {
  const row = {
    kind: 'moderation',
    key: 'm1',
    time: 5,
    by: 'bob',
    action,
    user: 'eve',
    until: null,
    reason: '',
  };
  return lineOf({ ...row, ...fields } as ModerationRow);
}

describe('before the words for what moderators do are loaded', () => {
  let arrive: () => void;

  beforeEach(() => {
    vi.useFakeTimers();
    texts.wait = new Promise<void>((resolve) => (arrive = resolve));
  });
  afterEach(() => void vi.useRealTimers());

  it('actions and refusals are told by their names, and nobody waits long at the door', async () => {
    expect(isKey('problem.muted')).toBe(false);
    expect(moderation('ban', { reason: 'spam' })).toBe('bob: ban eve: “\u2068spam\u2069”');
    expect(problemText({ code: 'muted', explanation: 'You are muted' })).toBe('You are muted');
    expect(problemText({ code: 'muted' })).toBe('The server refused it (muted).');
    let isLetIn = false;
    void loadDoorText({ code: 'suspended' }).then(() => (isLetIn = true));
    await vi.advanceTimersByTimeAsync(1_999);
    expect(isLetIn).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isLetIn).toBe(true);
    arrive();
    await loadTexts('more');
    expect(problemText({ code: 'muted', explanation: 'You are muted' })).toBe('You may not write here now.');
    await loadDoorText({ code: 'suspended' });
  });
});

describe('a problem', () => {
  beforeAll(() => loadTexts('more'));

  it('is told with the number that belongs to it', () => {
    expect(problemText({ code: 'too-many-attempts', seconds: 1 })).toContain('in 1 second.');
    expect(problemText({ code: 'takeover-loop', seconds: 1_200 })).toContain('in 1,200 seconds.');
    expect(problemText({ code: 'password-too-short', characters: 8 })).toContain('at least 8 characters.');
  });

  it('is told with its end, if it has one', () => {
    const until = Date.UTC(2030, 0, 2, 12);
    const end = formatBrief(new Date(until));
    expect(problemText({ code: 'muted', until })).toBe(`You may not write here now. Until ${end}.`);
    expect(problemText({ code: 'muted' })).toBe('You may not write here now.');
  });

  it('that is new is explained by the server, or named', () => {
    expect(problemText({ code: 'brand-new', explanation: 'The moon is full' })).toBe('The moon is full');
    expect(problemText({ code: 'brand-new' })).toBe('The server refused it (brand-new).');
  });

  it('at the door has the reason of an operator behind it', () => {
    const explanation = 'This account is suspended: spam: again';
    expect(doorText({ code: 'suspended', explanation })).toBe('The account is suspended. “spam: again”');
    expect(doorText({ code: 'suspended', explanation: 'This account is suspended' })).toBe(
      'The account is suspended.',
    );
    expect(doorText({ code: 'kicked', explanation: 'An operator: bob' })).toBe(
      'An operator ended this session.',
    );
  });
});

describe('who came and went', () => {
  const presence = (came: readonly string[], went: readonly string[]): string =>
    lineOf({ kind: 'presence', key: 'p1', time: 5, came, went } satisfies PresenceRow);

  it.each<[readonly string[], readonly string[], string]>([
    [['a'], [], 'a came in'],
    [[], ['a', 'b'], 'a and b left'],
    [['a', 'b', 'c'], ['d'], 'a, b, and c came in · d left'],
    [['a', 'b', 'c', 'd'], [], 'a, b, and 2 others came in'],
    [[], [], ''],
  ])('%j, %j', (came, went, text) => {
    expect(presence(came, went)).toBe(text);
  });

  it('is counted as the language writes numbers', () => {
    expect(presence(Array<string>(1_002).fill('a'), [])).toBe('a, a, and 1,000 others came in');
  });
});

describe('what a moderator did', () => {
  beforeAll(() => loadTexts('more'));

  it('is told by whom, to whom, until when and why', () => {
    const until = Date.UTC(2030, 0, 2, 12);
    expect(moderation('ban')).toBe('bob banned eve');
    expect(moderation('mute', { until })).toBe(`bob muted eve until ${formatBrief(new Date(until))}`);
    expect(moderation('ban', { until, reason: 'spam' })).toMatch(
      /^bob banned eve until .*: “\u2068spam\u2069”$/u,
    );
    expect(moderation('dance', { reason: 'why not' })).toBe('bob: dance eve: “\u2068why not\u2069”');
  });

  it('about the room is told by what was chosen, which is no reason', () => {
    const chosen = (action: string, reason: string) => moderation(action, { user: null, reason });
    expect(chosen('access', 'private')).toBe('bob made the room private');
    expect(chosen('post', 'moderators')).toBe('bob lets only moderators write');
    expect(chosen('retention', '14d')).toBe('bob lets messages be kept for 14d');
    expect(chosen('retention', 'default')).toBe('bob lets messages be kept as long as the server does');
  });

  it('about the topic tells it apart from what stands around it', () => {
    const topic = (text: string) => lineOf({ kind: 'topic', key: 'm1', time: 5, by: 'bob', text });
    expect(topic('\u202eroses')).toBe('bob set the topic: \u2068roses\u2069');
    expect(topic('')).toBe('bob removed the topic');
  });
});

describe('an author', () => {
  it('that is a program is never taken for a person', () => {
    expect(authorText({ author: 'alice', isBot: true })).toBe('alice (bot)');
    expect(authorText({ author: 'alice', isBot: false })).toBe('alice');
  });
});

describe('what is told of an action', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    told.value = [];
  });
  afterEach(() => void vi.useRealTimers());

  const shown = () => told.value.map(({ problem, text }) => problem?.code ?? text);

  it('goes by itself after a while, but a problem stays until it is taken away', () => {
    say({ problem: null, text: 'Copied' });
    say({ problem: { code: 'muted' }, text: '' });
    vi.advanceTimersByTime(5_999);
    expect(shown()).toEqual(['Copied', 'muted']);
    say({ problem: null, text: 'Copied again' });
    vi.advanceTimersByTime(1);
    expect(shown()).toEqual(['muted', 'Copied again']);
    const [first] = told.value;
    unsay(first?.key ?? 0);
    unsay(99_999);
    expect(shown()).toEqual(['Copied again']);
  });

  it('is its problem, or what was done if that is worth a word', async () => {
    const tell = useTell();
    expect(await tell(Promise.resolve({ ok: false, problem: { code: 'banned' } }), 'Done')).toBe(false);
    expect(await tell(Promise.resolve({ ok: true, value: undefined }), 'Done')).toBe(true);
    expect(await tell(Promise.resolve({ ok: true, value: undefined }))).toBe(true);
    expect(shown()).toEqual(['banned', 'Done']);
  });
});
