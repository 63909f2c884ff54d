// What a browser keeps between visits, and what a store makes of it when it is broken, or of another version.
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { OutboxItem } from '../src/connection/messages';
import { DEFAULTS, Kept, loadSettings, saveSettings, type Storage } from '../src/store/keep';
import type { Settings } from '../src/store/model';
import { isTarget } from '../src/protocol/target';
import { item } from './standing';

let stored: Map<string, string>;
let storage: Storage;
let kept: Kept;

beforeEach(() => {
  stored = new Map();
  storage = {
    get: (key) => stored.get(key) ?? null,
    set: (key, value) => {
      if (value === null) stored.delete(key);
      else stored.set(key, value);
    },
    watch: () => undefined,
  };
  kept = new Kept(storage, 'alice');
});

describe('what is kept for a user', () => {
  it('is not found by another one, nor in another conversation', () => {
    kept.setDraft('#red', 'half');
    kept.hide('@bob', 7);
    kept.setPrivate('#red', true);
    kept.setOutbox([item('one')]);
    const other = new Kept(storage, 'bob');
    expect([other.draft('#red'), other.hidden('@bob'), other.isPrivate('#red'), other.outbox()]).toEqual([
      '',
      0,
      null,
      [],
    ]);
    expect([kept.draft('@red'), kept.hidden('@red'), kept.isPrivate('#blue')]).toEqual(['', 0, null]);
    expect([kept.draft('#red'), kept.hidden('@bob'), kept.isPrivate('#red')]).toEqual(['half', 7, true]);
    expect(kept.outbox()).toEqual([item('one')]);
  });

  it('takes no place when there is nothing to keep', () => {
    kept.setDraft('#red', 'half');
    kept.hide('@bob', 7);
    kept.setOutbox([item('one')]);
    expect(stored.size).toBe(3);
    kept.setDraft('#red', '');
    kept.hide('@bob', 0);
    kept.setOutbox([]);
    expect(stored.size).toBe(0);
  });

  it('tells that a room is not private, which is more than not to know it', () => {
    kept.setPrivate('#red', false);
    expect([kept.isPrivate('#red'), kept.isPrivate('#blue')]).toEqual([false, null]);
  });
});

describe('messages of a page that is gone', () => {
  const key = 'parlor.outbox.alice.';
  const whole = { ...item('one'), delivery: { state: 'stalled', problem: { code: 'store-unavailable' } } };

  it('are found as they were left', () => {
    const items = [item('one'), item('two', '@bob'), item('three', '+alice'), whole as OutboxItem];
    kept.setOutbox(items);
    expect(kept.outbox()).toEqual(items);
  });

  it.each<[string, unknown]>([
    ['has no key', { ...whole, key: undefined }],
    ['has a text that is none', { ...whole, text: 7 }],
    ['goes nowhere', { ...whole, target: 'red' }],
    ['goes to nobody', { ...whole, target: '@' }],
    ['has no time', { ...whole, time: null }],
    ['has a time between two', { ...whole, time: 1.5 }],
    ['is in its log', { ...whole, delivery: { state: 'accepted' } }],
    ['does not tell how far it is', { ...whole, delivery: 'waiting' }],
    ['is nothing', null],
    ['is a text', 'one'],
  ])('leave out one that %s', (_what, broken) => {
    stored.set(key, JSON.stringify({ items: [broken, item('two')] }));
    expect(kept.outbox()).toEqual([item('two')]);
  });

  it.each(['', '{', 'null', '7', '[]', '{"items":{}}', '{"items":"one"}'])('are none in %j', (text) => {
    stored.set(key, text);
    expect(kept.outbox()).toEqual([]);
  });
});

describe('settings', () => {
  const chosen: Settings = {
    theme: 'dark',
    language: 'de',
    sound: false,
    notifications: true,
    mutedConversations: ['#red', '@bob'],
  };

  it('are found as they were saved', () => {
    saveSettings(storage, chosen);
    expect(loadSettings(storage)).toEqual(chosen);
  });

  it.each<[keyof Settings, readonly unknown[]]>([
    ['theme', ['pink', 'system', null, 1]],
    ['language', [7, null, {}]],
    ['sound', ['no', 0, null]],
    ['notifications', ['yes', 1, null]],
    ['mutedConversations', ['#red', null, { 0: '#red' }]],
  ])('of which %s is not understood are the others', (field, broken) => {
    for (const value of broken) {
      stored.set('parlor.settings', JSON.stringify({ ...chosen, [field]: value }));
      expect(loadSettings(storage)).toEqual({ ...chosen, [field]: DEFAULTS[field] });
    }
  });

  it('are those of the beginning without any, and whatever else is there', () => {
    expect(loadSettings(storage)).toEqual(DEFAULTS);
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        stored.set('parlor.settings', text);
        stored.set('parlor.outbox.alice.', text);
        const { theme, mutedConversations } = loadSettings(storage);
        expect(['system', 'light', 'dark']).toContain(theme);
        expect(mutedConversations.every(isTarget)).toBe(true);
        expect(kept.outbox().every(({ target }) => isTarget(target))).toBe(true);
      }),
    );
  });
});
