// What the composer offers while somebody types, and what becomes of the text.
import { beforeEach, describe, expect, it } from 'vitest';
import { failed } from '../src/connection/outcome';
import type { CommandAnswer, Outcome } from '../src/store/model';
import type { Candidate } from '../src/text/complete';
import { candidatesFor } from '../src/view/candidates';
import { Completer, type Offer } from '../src/view/completer';
import { settle } from './clock';
import { conversationModel, type FakeConversation, type FakeStore } from './fake-models';
import { fakeStore } from './fake-store';

let store: FakeStore;
let model: FakeConversation;

beforeEach(() => {
  store = fakeStore();
  model = conversationModel('#lobby');
});

const names = (candidates: readonly Candidate[]) => candidates.map(({ name }) => name);

describe('candidates', () => {
  const member = (user: string) => ({ user, isMe: user === 'alice', role: null, mutedUntil: null });

  it('are the people here before all who are known, each once, and not me', async () => {
    model.members.value = ['zoe', 'alice', 'bob'].map(member);
    const found = await candidatesFor('user', store, model);
    expect(names(found).slice(0, 3)).toEqual(['zoe', 'bob', 'carol']);
    expect(names(found)).not.toContain('alice');
    expect(new Set(names(found)).size).toBe(found.length);
    expect(found[0]?.insert).toBe('@zoe');
  });

  it('are the other one of a direct conversation, also if nobody else knows them', async () => {
    expect(names(await candidatesFor('user', store, conversationModel('@yan')))[0]).toBe('yan');
    expect(names(await candidatesFor('user', store, conversationModel('+yan')))).not.toContain('yan');
  });

  it('are my rooms, then those of the server that were asked for', async () => {
    expect(names(await candidatesFor('room', store, model))).not.toContain('kitchen');
    await store.actions.loadRooms();
    const found = await candidatesFor('room', store, model);
    expect([names(found)[0], names(found).at(-1)]).toEqual(['garden', 'kitchen']);
    expect(names(found).filter((name) => name === 'garden')).toHaveLength(1);
    expect(found.every(({ kind, name, insert }) => kind === 'room' && insert === `#${name}`)).toBe(true);
  });

  it('are emoji by each of their names', async () => {
    const found = await candidatesFor('emoji', store, model);
    expect(found.filter(({ insert }) => insert === '👍').map(({ name }) => name)).toEqual([
      'thumbsup',
      '+1',
      'yes',
    ]);
  });

  it('are the commands, with what the server tells of them once it does', async () => {
    let asked = 0;
    let answer: Outcome<CommandAnswer> = failed('not-connected');
    store.actions.runCommand = () => {
      asked++;
      return Promise.resolve(answer);
    };
    const find = async (name: string) =>
      (await candidatesFor('command', store, model)).find((each) => each.name === name);
    expect(await find('kick')).toEqual({ kind: 'command', name: 'kick', insert: '/kick', detail: undefined });
    for (const name of ['once', 'sync', 'backlog', 'format', 'quit'])
      expect(await find(name)).toBeUndefined();
    const commands = [
      { usage: '/KICK <room> <user>', help: 'removes a member' },
      { usage: '/help', help: 'this list' },
    ];
    answer = { ok: true, value: { kind: 'help', commands } };
    expect((await find('kick'))?.detail).toBe('<room> <user> · removes a member');
    const before = asked;
    expect((await find('help'))?.detail).toBe('this list');
    expect((await find('who'))?.detail).toBeUndefined();
    expect(asked).toBe(before);
  });
});

describe('the composer', () => {
  let text: string;
  let cursor: number;
  let selected: number;
  let offer: Offer | null;
  let completer: Completer;

  beforeEach(() => {
    [text, cursor, selected, offer] = ['', 0, 0, null];
    completer = new Completer({
      store,
      model,
      area: () =>
        ({ value: text, selectionStart: cursor, selectionEnd: cursor + selected }) as HTMLTextAreaElement,
      show: (next) => (offer = next),
      write: (next, place) => ([text, cursor] = [next, place]),
    });
  });

  /** Types a text; the cursor stands at `|`. */
  function type(typed: string): void {
    [cursor, text] = [typed.indexOf('|'), typed.replace('|', '')];
  }

  async function look(typed: string): Promise<readonly string[]> {
    type(typed);
    completer.look();
    await settle();
    return names(offer?.options ?? []);
  }

  const written = () => `${text.slice(0, cursor)}|${text.slice(cursor)}`;
  const press = (key: string) => offer !== null && completer.onKey(key, offer);

  it('offers what the word at the cursor may become', async () => {
    expect(await look('hi @c|')).toEqual(['carol']);
    expect(await look('hi #gr|')).toEqual(['greenhouse']);
    expect(await look('hi @zz|')).toEqual([]);
    expect(await look('hi @ca| carol')).toEqual(['carol']);
    expect(await look('hi ca|')).toEqual([]);
    expect(offer).toBeNull();
  });

  it('offers nothing while something is selected, or for what is there already', async () => {
    selected = 1;
    expect(await look('@|car')).toEqual([]);
    selected = 0;
    expect(await look('@carol|')).toEqual([]);
    expect(await look('/who|')).toEqual([]);
    // There are more rooms that begin so.
    model = conversationModel('#lobby');
    store.models.value = new Map(store.models.value).set('#green', conversationModel('#green'));
    expect(await look('#green|')).toEqual(['greenhouse', 'green']);
    expect(await look(':fire|')).toContain('fire');
  });

  it('takes the choice of the keys, around the ends', async () => {
    expect(await look('@|')).toEqual(['bob', 'carol', 'dmitri', 'erin', 'weather-bot']);
    expect([press('ArrowUp'), offer?.at]).toEqual([true, 4]);
    expect([press('ArrowDown'), offer?.at]).toEqual([true, 0]);
    expect([press('ArrowDown'), offer?.at]).toEqual([true, 1]);
    expect([press('a'), press('Home'), offer?.at]).toEqual([false, false, 1]);
    expect([press('Enter'), written(), offer]).toEqual([true, '@carol |', null]);
  });

  it('is left alone after Escape, and takes with Tab too', async () => {
    await look('x @d| y');
    expect([press('Escape'), offer, written()]).toEqual([true, null, 'x @d| y']);
    await look('x @d| y');
    expect([press('Tab'), written()]).toEqual([true, 'x @dmitri |y']);
  });

  it('replaces what was typed while its list was on the way', async () => {
    await look('@d|');
    type('@dmi|');
    press('Enter');
    expect(written()).toBe('@dmitri |');
  });

  it('shows no list that comes too late', async () => {
    type('@d|');
    completer.look();
    type('@d |');
    completer.look();
    await settle();
    expect(offer).toBeNull();
  });

  it('completes a bare name by the Tab key, if it is the only one', async () => {
    type('hi Dm|, you');
    await completer.tab();
    expect([written(), offer]).toEqual(['hi @dmitri |, you', null]);
    store.models.value = new Map();
    model.members.value = ['carla', 'carol'].map((user) => ({
      user,
      isMe: false,
      role: null,
      mutedUntil: null,
    }));
    type('hi car|');
    await completer.tab();
    expect([written(), names(offer?.options ?? [])]).toEqual(['hi car|', ['carla', 'carol']]);
    for (const typed of ['hi |', 'hi zz|', '|']) {
      type(typed);
      await completer.tab();
      expect(written()).toBe(typed);
    }
  });

  it('does nothing without its field', async () => {
    const gone = new Completer({
      store,
      model,
      area: () => null,
      show: () => expect.unreachable(),
      write: () => expect.unreachable(),
    });
    gone.look();
    await gone.tab();
    gone.take({ kind: 'user', prefix: '', start: 0, end: 1 }, { kind: 'user', name: 'bob', insert: '@bob' });
    await settle();
  });
});
