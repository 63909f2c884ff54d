// The address of the page and the conversation in front follow each other.
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConversationId } from '../src/store/model';
import { conversationOf, hrefOf, profileHref, startRouting } from '../src/view/route';
import { inviteLink, inviteOf } from '../src/view/invite';
import { dialog, editing, pane, PHONE } from '../src/view/ui';
import { conversationModel, type FakeStore } from './fake-models';
import { fakeStore } from './fake-store';
import { TestWindow } from './window';

let page: TestWindow;
let store: FakeStore;
let stop: () => void;

beforeEach(() => {
  page = new TestWindow();
  page.install();
  store = fakeStore();
  store.shown.value = null;
  [dialog.value, pane.value, editing.value] = [null, null, null];
  stop = () => undefined;
});

afterEach(() => stop());
afterAll(() => void vi.unstubAllGlobals());

function start(hash = ''): void {
  page.location.hash = hash;
  stop = startRouting(store);
}

/** A store with these conversations only. */
function keep(...ids: readonly ConversationId[]): void {
  store.models.value = new Map(ids.map((id) => [id, conversationModel(id)]));
}

describe('an address', () => {
  it.each<ConversationId>(['#red', '@bob', '+bob-2_x', '#0'])('names %s', (id) => {
    expect(conversationOf(hrefOf(id))).toBe(id);
  });

  it.each([
    '',
    '#',
    '#/room/',
    '#/room/Red',
    '#/room/-a',
    '#/room/a/b',
    '#/user/bob',
    '#/door/a',
    '/room/a',
    '#/room/a?',
  ])('names nothing: %j', (hash) => {
    expect(conversationOf(hash)).toBeNull();
  });

  it('of an invitation has its whole code, and nothing else', () => {
    const code = `pli_${'0a'.repeat(20)}`;
    expect(inviteLink(code)).toBe(`https://chat.example/#invite=${code}`);
    expect(inviteOf(`#invite=${code}`)).toBe(code);
    for (const hash of [
      '',
      `invite=${code}`,
      `#invite=${code}0`,
      `#invite=${code.slice(1)}`,
      `#invite=${code.toUpperCase()}`,
    ])
      expect(inviteOf(hash)).toBeNull();
  });
});

describe('at the beginning', () => {
  it('what the address names is shown', () => {
    start('#/direct/bob');
    expect([store.shown.value, page.written]).toEqual(['@bob', []]);
  });

  it('nothing is shown before it is known what there is', () => {
    store.connection.value = { state: 'behind' };
    start('#/direct/bob');
    expect(store.shown.value).toBeNull();
    store.connection.value = { state: 'live' };
    expect(store.shown.value).toBe('@bob');
    store.shown.value = '#lobby';
    store.connection.value = { state: 'waiting', seconds: 1, problem: null };
    store.connection.value = { state: 'live' };
    expect([store.shown.value, page.location.hash]).toEqual(['#lobby', '#/room/lobby']);
  });

  it('the only conversation is shown, unless the address names another or there are more', () => {
    start();
    expect(store.shown.value).toBeNull();
    stop();
    keep('#lobby');
    start('#/direct/zoe');
    expect(store.shown.value).toBe('@zoe');
    stop();
    store.shown.value = null;
    keep('#lobby');
    start();
    expect(store.shown.value).toBe('#lobby');
  });

  it('the one that is left later is not shown by itself', () => {
    start();
    keep('#lobby');
    expect(store.shown.value).toBeNull();
  });
});

describe('what is shown', () => {
  it('is written into the address, so that the back button leads to what was shown before', () => {
    start();
    store.shown.value = '#lobby';
    store.shown.value = '@bob';
    expect(page.written).toEqual(['replace #/room/lobby', 'push #/direct/bob']);
    store.shown.value = null;
    expect(page.location.hash).toBe('#/direct/bob');
  });

  it('is a step behind the list on a phone', () => {
    page.media.add(PHONE);
    start();
    store.shown.value = '#lobby';
    expect(page.written).toEqual(['push #/room/lobby']);
  });

  it('ends what was being edited', () => {
    start('#/room/lobby');
    editing.value = 'm1';
    store.shown.value = '@bob';
    expect(editing.value).toBeNull();
  });
});

describe('another address', () => {
  it('shows what it names, and does not write it again', () => {
    start('#/room/lobby');
    page.goTo('#/direct/bob');
    expect([store.shown.value, page.written]).toEqual(['@bob', []]);
  });

  it('of a room that is not mine asks before it is opened', () => {
    start('#/room/lobby');
    page.goTo('#/room/vault');
    expect([dialog.value, store.shown.value]).toEqual([{ kind: 'switcher', query: '#vault' }, '#lobby']);
  });

  it('of somebody who did not write yet begins a conversation, but follows nobody', () => {
    start('#/room/lobby');
    page.goTo('#/feed/zoe');
    expect([store.shown.value, dialog.value]).toEqual(['#lobby', null]);
    page.goTo('#/direct/zoe');
    expect(store.shown.value).toBe('@zoe');
  });

  it('of a profile opens that beside the conversation, and goes back', () => {
    start('#/room/lobby');
    page.goTo(profileHref('bob'));
    expect([pane.value, store.shown.value]).toEqual([{ kind: 'person', user: 'bob' }, '#lobby']);
    expect(page.written).toEqual(['back']);
  });

  it('that names nothing is the list on a phone, and changes nothing elsewhere', () => {
    start('#/room/lobby');
    page.goTo('');
    expect(store.shown.value).toBe('#lobby');
    page.media.add(PHONE);
    page.goTo('');
    expect(store.shown.value).toBeNull();
  });
});

describe('the end', () => {
  it.each(['stop', 'log out'])('comes with %s: neither follows the other any more', (how) => {
    start('#/room/lobby');
    if (how === 'stop') stop();
    else store.session.value = { state: 'logged-out', problem: null };
    page.goTo('#/direct/bob');
    expect(store.shown.value).toBe('#lobby');
    store.shown.value = '+erin';
    expect(page.written).toEqual([]);
  });
});
