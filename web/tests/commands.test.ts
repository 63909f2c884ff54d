// Lines that begin with a slash: what the page does itself, what goes to the server, and how the answers are shown.
import { beforeEach, describe, expect, it } from 'vitest';
import { failed } from '../src/connection/outcome';
import type { CommandAnswer, ConversationId } from '../src/store/model';
import { settle } from './clock';
import { HandStore } from './hand';
import { room } from './standing';

const DID = { ok: true, value: { kind: 'done' } };

let tab: HandStore;

beforeEach(async () => {
  tab = new HandStore();
  tab.logIn();
  await tab.stand({ rooms: [room('red', { last: 9 }), room('blue')] });
});

const run = (line: string, id: ConversationId | null = '#red') => tab.actions.runCommand(id, line);

/** What is asked when this is typed, and not answered. */
async function asks(line: string, id: ConversationId | null = '#red'): Promise<readonly string[]> {
  tab.hub.heard.length = 0;
  void run(line, id);
  await settle();
  return tab.hub.lines;
}

/** How the answer to a line is shown. */
async function shown(answer: object): Promise<CommandAnswer> {
  tab.hub.answer('/ask', answer);
  const outcome = await run('/ask');
  if (!outcome.ok) throw new Error(outcome.problem.code);
  return outcome.value;
}

const refusal = (code: string, explanation = '') => ({ ok: false, problem: { code, explanation } });

describe('a line', () => {
  it.each(['', '/', '/ topic', 'hello', '\u200b', '\n'])(
    'that is no command says nothing: %j',
    async (line) => {
      expect(await run(line)).toEqual(failed('nothing-to-send'));
      expect(tab.hub.lines).toEqual([]);
    },
  );

  it('goes to the server as it is, and may have an answer of any kind', async () => {
    expect(await asks('/Topic red  two "words"')).toEqual(['/Topic red  two "words"']);
    expect(tab.hub.heard).toMatchObject([{ do: 'request', mayBeUnknown: true }]);
    expect(await asks('/constructor')).toEqual(['/constructor']);
  });

  it('is one line without what shows nothing, whatever was pasted behind it', async () => {
    expect(await asks('\n/ping\u0007 a\u202e\n/quit')).toEqual(['/ping a']);
  });

  it('that is refused says so', async () => {
    tab.hub.refuse('/ask', 'unknown-command');
    expect(await run('/ask')).toEqual({ ok: false, problem: { code: 'unknown-command' } });
  });
});

describe('the room in front', () => {
  it.each<[string, ConversationId | null, string]>([
    ['/who', '#red', '/who red'],
    ['/WHO', '#red', '/who red'],
    ['/who blue', '#red', '/who blue'],
    ['/who', '@bob', '/who'],
    ['/who', null, '/who'],
    ['/history', '#red', '/backlog #red'],
    ['/history 5', '#red', '/backlog #red 5'],
    ['/history  5 ', '#red', '/backlog #red 5'],
    ['/history', '@bob', '/backlog #lobby'],
    ['/leave', '#red', '/close red'],
    ['/close', '#red', '/close red'],
    ['/close BLUE', '#red', '/close blue'],
  ])('is what %s in %s is about: %s', async (line, id, expected) => {
    expect(await asks(line, id)).toEqual([expected]);
  });

  it.each(['/leave', '/close'])('has to be one for %s', async (line) => {
    expect(await run(line, null)).toEqual(refusal('not-in-room'));
  });
});

describe('a conversation', () => {
  it.each(['/open', '/join'])('is opened by %s, with the first word behind it', async (word) => {
    expect(await asks(`${word} Green and more`)).toEqual(['/open green']);
    expect(await run(word)).toEqual(refusal('bad-argument', '/open <room>'));
    tab.hub.refuse('/open vault', 'banned');
    expect(await run(`${word} vault`)).toEqual({ ok: false, problem: { code: 'banned' } });
  });

  it('comes to the front if it is one of mine', async () => {
    expect(await run('/switch BLUE')).toEqual(DID);
    expect(tab.core.shown.value).toBe('#blue');
    expect(await run('/switch green')).toEqual(refusal('not-in-room'));
    expect(await run('/switch')).toEqual(refusal('not-in-room'));
    expect(tab.core.shown.value).toBe('#blue');
  });

  it('is read up to an entry', async () => {
    expect(await run('/read #red 7')).toEqual(DID);
    expect(await run('/read #red  8 ')).toEqual(DID);
    expect(tab.hub.told.map((each) => each.do === 'read' && each.id)).toEqual([7, 8]);
    for (const line of [
      '/read',
      '/read red 9',
      '/read #red',
      '/read #red x',
      '/read #red -9',
      '/read #red 9 9',
    ])
      expect(await run(line)).toEqual(refusal('bad-argument', '/read <target> <id>'));
    expect(tab.hub.told).toHaveLength(2);
  });
});

describe('what is said by a command', () => {
  const said = () => tab.core.book.value?.outbox.value.map(({ target, text }) => `${target}:${text}`);

  it('goes the way of all that is said, with its spaces', async () => {
    expect(await run('/say Blue  two "words"')).toEqual(DID);
    expect(await run('/msg Bob /me waves')).toEqual(DID);
    expect(said()).toEqual(['#blue: two "words"', '@bob:/me waves']);
    expect(tab.hub.lines).toEqual([]);
  });

  it.each([
    ['/say', '/say <room> <text>'],
    ['/say blue', '/say <room> <text>'],
    ['/say blue  \u200b', '/say <room> <text>'],
    ['/msg bob', '/msg <user> <text>'],
  ])('needs somebody who hears it, and something to hear: %s', async (line, usage) => {
    expect(await run(line)).toEqual(refusal('bad-argument', usage));
    expect(said()).toEqual([]);
  });
});

describe('the password', () => {
  it('is changed by two words, which may have quotes around them', async () => {
    expect(await asks('/passwd "old \\"one\\"" new')).toEqual(['/passwd "old \\"one\\"" new']);
    expect(await asks('/passwd ab"c d\\e')).toEqual(['/passwd "ab\\"c" "d\\\\e"']);
    for (const line of ['/passwd', '/passwd old', '/passwd old new and more'])
      expect(await run(line)).toEqual(refusal('bad-argument', '/passwd <old> <new>'));
  });
});

describe('the session', () => {
  it('ends as by the menu, and has one format', async () => {
    tab.hub.answer('log-out');
    expect(await run('/quit now')).toEqual(DID);
    expect(tab.hub.told.map((each) => each.do)).toEqual(['log-out']);
    expect(await run('/FORMAT text')).toEqual(refusal('not-allowed'));
    expect(tab.hub.lines).toEqual([]);
  });
});

describe('the rooms of the server', () => {
  it('are told with those that are mine, and kept for the search box', async () => {
    const rooms = [
      { room: 'red', members: 2 },
      { room: 'green', members: 1 },
    ];
    tab.hub.answer('/rooms', { type: 'rooms', rooms });
    expect(await run('/rooms')).toEqual({
      ok: true,
      value: {
        kind: 'rooms',
        rooms: [
          { ...rooms[0], open: true },
          { ...rooms[1], open: false },
        ],
      },
    });
    expect(tab.core.listing.value).toEqual(rooms);
    tab.hub.refuse('/rooms', 'store-unavailable');
    expect(await run('/rooms')).toEqual({ ok: false, problem: { code: 'store-unavailable' } });
  });
});

describe('an answer', () => {
  const written = { time: 5, from: 'bob' };

  const fields = (...pairs: readonly (readonly [string, string])[]) => ({ kind: 'fields', fields: pairs });
  const users = (title: string, ...names: readonly string[]) => ({ kind: 'users', title, users: names });
  const done = { kind: 'done' };
  const topic = { type: 'ok', command: 'topic', room: 'red', topic: 't' };
  const shownTopic = { kind: 'topic', room: 'red', topic: 't' };
  const commands = [{ usage: '/who', help: 'lists' }];
  const help = { kind: 'help', commands };
  const out = { id: 'h2', label: 'out', url: 'https://x' };
  const hooks = [{ id: 'h1', label: 'bot' }, out];

  it.each<[object, object]>([
    [{ type: 'users', room: 'red', users: ['bob'] }, users('#red', 'bob')],
    [{ type: 'subscriptions', users: ['bob'] }, users('/subscriptions', 'bob')],
    [{ type: 'blocks', users: [] }, users('/blocks')],
    [{ type: 'help', commands }, help],
    [{ type: 'pong', token: 'x' }, fields(['pong', 'x'])],
    [{ type: 'pong', token: null }, fields(['pong', ''])],
    [{ type: 'sync', rooms: [room('red', { unread: 7 })] }, fields(['#red', '7'])],
    [{ type: 'tickets', tickets: [{ id: '3e9a', label: 'Firefox' }] }, fields(['3e9a', 'Firefox'])],
    [{ type: 'hooks', hooks }, fields(['h1', 'bot'], ['h2', 'https://x'])],
    [{ type: 'invitations', invitations: [{ id: 'i1', uses: 3, used: ['eve'] }] }, fields(['i1', '1/3'])],
    [{ type: 'rooms', rooms: [] }, done],
    [{ type: 'ok', command: 'other' }, done],
    [topic, shownTopic],
    [{ ...topic, id: 7 }, done],
    [{ type: 'ok', command: 'ticket', ticket: 'plt_1' }, fields(['ticket', 'plt_1'])],
    [{ type: 'ok', command: 'hook', label: 'bot', url: 'https://x' }, fields(['bot', 'https://x'])],
    [{ type: 'ok', command: 'outhook', url: 'https://x', secret: 's' }, fields(['https://x', 's'])],
    [{ type: 'ok', command: 'invitation', code: 'pli_1' }, fields(['invitation', 'pli_1'])],
  ])('%j is shown as %j', async (answer, expected) => {
    expect(await shown(answer)).toEqual(expected);
  });

  it('with messages tells who said them, a program apart, and names what is no message', async () => {
    const entries = [
      { type: 'message', id: 1, ...written, text: 'one' },
      { type: 'message', id: 2, ...written, text: 'two', bot: true },
      { type: 'invited', id: 3, ...written, room: 'red' },
    ];
    const messages = [
      { from: 'bob', isBot: false, text: 'one' },
      { from: 'bob', isBot: true, text: 'two' },
      { from: 'bob', isBot: false, text: 'invited' },
    ];
    expect(await shown({ type: 'backlog', entries })).toEqual({ kind: 'messages', messages });
    expect(await shown({ type: 'inbox', entries })).toEqual({ kind: 'messages', messages });
    expect(await shown({ type: 'history', messages: entries.slice(0, 2) })).toEqual({
      kind: 'messages',
      messages: messages.slice(0, 2),
    });
  });

  it('about a room tells its rights as the page understands them', async () => {
    const info = { topic: 't', access: 'private', post: 'x', owner: 'bob', moderators: [], created: null };
    expect(await shown({ type: 'room', room: 'red', ...info, role: 'owner' })).toEqual({
      kind: 'room',
      room: 'red',
      info: { ...info, post: 'everyone', role: 'owner' },
    });
  });
});
