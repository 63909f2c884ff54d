// The keys that work everywhere, and when they do not.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConversationId } from '../src/store/model';
import type * as Keys from '../src/view/keys';
import type * as Ui from '../src/view/ui';
import type { FakeStore } from './fake-models';
import { fakeStore } from './fake-store';
import { TestWindow } from './window';

let page: TestWindow;
let keys: typeof Keys;
let ui: typeof Ui;
let store: FakeStore;
let stop: () => void;

beforeAll(async () => {
  new TestWindow().install();
  [keys, ui] = await Promise.all([import('../src/view/keys'), import('../src/view/ui')]);
});

beforeEach(() => {
  page = new TestWindow();
  page.install();
  store = fakeStore();
  [ui.dialog.value, ui.pane.value, ui.editing.value] = [null, null, null];
  stop = keys.startKeys(store);
});

afterEach(() => stop());
afterAll(() => void vi.unstubAllGlobals());

const CTRL = { ctrlKey: true };
const ALT = { altKey: true };

describe('a key', () => {
  it.each([
    ['k', { kind: 'switcher', query: '' }],
    ['K', { kind: 'switcher', query: '' }],
    ['/', { kind: 'shortcuts' }],
  ])('%s with Ctrl or Cmd opens %j', (key, dialog) => {
    for (const modifier of [CTRL, { metaKey: true }]) {
      expect(page.press(key, modifier)).toBe(true);
      expect(ui.dialog.value).toEqual(dialog);
      ui.dialog.value = null;
    }
    expect([page.press(key), page.press(key, { ...CTRL, ...ALT }), ui.dialog.value]).toEqual([
      false,
      false,
      null,
    ]);
  });

  it('shows the pane of the room, hides it, and takes the place of that of a person', () => {
    page.press('i', CTRL);
    expect(ui.pane.value).toEqual({ kind: 'room' });
    page.press('i', CTRL);
    expect(ui.pane.value).toBeNull();
    ui.openProfile('bob');
    page.press('i', CTRL);
    expect(ui.pane.value).toEqual({ kind: 'room' });
  });

  it('is left to the browser if it means nothing here', () => {
    for (const key of ['f', 'Tab', 'ArrowDown']) expect(page.press(key, CTRL)).toBe(false);
    for (const key of ['k', 'ArrowLeft']) expect(page.press(key, ALT)).toBe(false);
  });

  it('means nothing over a dialog, while a sign is composed, in front of the door, or once it was taken', () => {
    ui.dialog.value = { kind: 'settings' };
    expect(page.press('k', CTRL)).toBe(false);
    ui.dialog.value = null;
    expect(page.press('k', { ...CTRL, isComposing: true })).toBe(false);
    store.session.value = { state: 'logged-out', problem: null };
    expect(page.press('k', CTRL)).toBe(false);
    store.session.value = { state: 'logged-in', user: 'alice' };
    stop();
    expect(page.press('k', CTRL)).toBe(false);
    expect(ui.dialog.value).toBeNull();
    page.events.addEventListener('keydown', (event) => event.preventDefault());
    stop = keys.startKeys(store);
    page.press('k', CTRL);
    expect(ui.dialog.value).toBeNull();
  });
});

describe('Alt and an arrow', () => {
  const all = () => store.conversations.value.map(({ id }) => id);
  /** Where these steps lead from a conversation. */
  const walk = (from: ConversationId | undefined, key: string, modifiers: Partial<KeyboardEvent> = ALT) => {
    store.shown.value = from ?? null;
    expect(page.press(key, modifiers)).toBe(true);
    return store.shown.value;
  };

  it('goes to the next or the previous conversation, and around the ends', () => {
    const [first, second] = all();
    const last = all().at(-1);
    expect([walk(first, 'ArrowDown'), walk(second, 'ArrowUp')]).toEqual([second, first]);
    expect([walk(last, 'ArrowDown'), walk(first, 'ArrowUp'), walk(undefined, 'ArrowDown')]).toEqual([
      first,
      last,
      first,
    ]);
  });

  it('goes with Shift to those that have something new', () => {
    const unread = store.conversations.value.filter((each) => each.unread > 0).map(({ id }) => id);
    const read = all().find((id) => !unread.includes(id));
    const shift = { ...ALT, shiftKey: true };
    expect(unread.length).toBeGreaterThan(1);
    expect(walk(unread[0], 'ArrowDown', shift)).toBe(unread[1]);
    expect(walk(unread[0], 'ArrowUp', shift)).toBe(unread.at(-1));
    expect(unread).toContain(walk(read, 'ArrowDown', shift));
  });

  it('with Ctrl is left to the browser', () => {
    const before = store.shown.value;
    expect([page.press('ArrowDown', { ...ALT, ...CTRL }), store.shown.value]).toEqual([false, before]);
  });
});

describe('Escape', () => {
  it('closes what is on top, one after the other, and is left to the browser then', () => {
    ui.openProfile('bob');
    ui.editing.value = 'm1';
    expect([page.press('Escape'), ui.editing.value, ui.pane.value?.kind]).toEqual([true, null, 'person']);
    expect([page.press('Escape'), ui.pane.value, page.press('Escape')]).toEqual([true, null, false]);
  });

  it('leaves the pane of a room where that stands beside the conversation', () => {
    ui.pane.value = { kind: 'room' };
    page.media.add(ui.WIDE);
    expect([page.press('Escape'), ui.pane.value]).toEqual([false, { kind: 'room' }]);
    page.media.clear();
    expect([page.press('Escape'), ui.pane.value]).toEqual([true, null]);
  });
});

describe('a letter', () => {
  let focused: number;

  beforeEach(() => {
    focused = 0;
    page.document.elements.set('.composer textarea', { focus: () => focused++ });
  });

  it('goes into the composer, whoever has the focus otherwise', () => {
    page.document.active = {};
    expect([page.press('a'), focused]).toEqual([false, 1]);
    page.document.active = null;
    expect([page.press('Ä'), focused]).toEqual([false, 2]);
  });

  it.each(['input', 'textarea', 'select', '[role=menu]'])('stays in %s', (inside) => {
    page.document.active = { inside };
    page.press('a');
    expect(focused).toBe(0);
  });

  it('is one, and not a key with another meaning', () => {
    for (const key of [' ', 'Enter', 'F1', 'Tab']) page.press(key);
    for (const modifier of [CTRL, ALT, { metaKey: true }]) page.press('a', modifier);
    expect(focused).toBe(0);
    page.document.elements.clear();
    expect(page.press('a')).toBe(false);
  });
});

describe('the names of keys', () => {
  it.each([
    ['X11; Linux x86_64', ['Ctrl K', 'Alt']],
    ['Macintosh; Intel Mac OS X 10_15', ['⌘ K', '⌥']],
    ['iPad; CPU OS 17_0 like Mac OS X', ['⌘ K', '⌥']],
  ])('are those of the keyboard of %s', async (userAgent, names) => {
    vi.resetModules();
    page.install(userAgent);
    const { SELF_KEYS } = await import('../src/view/keys');
    expect([SELF_KEYS.switcher, SELF_KEYS.alt]).toEqual(names);
  });
});
