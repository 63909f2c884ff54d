// How the user is called: by a tone, by a notification of the desktop, or not at all.
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { chooseLanguage } from '../src/locales';
import type { Attention } from '../src/store/model';
import { askToNotify, call, knowsNotifications } from '../src/view/attention';
import { settle } from './clock';
import type { FakeStore } from './fake-models';
import { fakeStore } from './fake-store';
import { TestWindow } from './window';

interface Shown {
  readonly title: string;
  readonly options: Readonly<Record<string, string>>;
  onclick?: () => void;
  isClosed?: boolean;
}

let page: TestWindow;
let store: FakeStore;
let shown: Shown[];
let tones: number;
let focused: number;

class TestNotification {
  static permission = 'granted';
  static requestPermission = () => Promise.resolve(TestNotification.permission);
  static isForbidden = false;

  constructor(
    readonly title: string,
    readonly options: Readonly<Record<string, string>>,
  ) {
    if (TestNotification.isForbidden) throw new TypeError('Illegal constructor');
    shown.push(this);
  }

  isClosed = false;
  close(): void {
    this.isClosed = true;
  }
}

/** Stands for every part of a tone. */
class TestNode {
  readonly gain = {
    setValueAtTime: () => undefined,
    linearRampToValueAtTime: () => undefined,
    exponentialRampToValueAtTime: () => undefined,
  };
  connect(next: object): object {
    return next;
  }
  start(): void {
    tones++;
  }
  stop(): void {
    this.connect(this);
  }
}

class TestAudio {
  readonly currentTime = 0;
  readonly destination = {};
  resume = () => Promise.resolve();
}

beforeAll(async () => {
  new TestWindow().install();
  await chooseLanguage('en');
});

beforeEach(() => {
  [shown, tones, focused] = [[], 0, 0];
  [TestNotification.permission, TestNotification.isForbidden] = ['granted', false];
  page = new TestWindow();
  page.install();
  Object.assign(page, { Notification: TestNotification, focus: () => focused++ });
  vi.stubGlobal('Notification', TestNotification);
  vi.stubGlobal('AudioContext', TestAudio);
  for (const name of ['OscillatorNode', 'GainNode']) vi.stubGlobal(name, TestNode);
  store = fakeStore();
  store.settings.value = { ...store.settings.value, sound: true, notifications: true };
  store.shown.value = '#garden';
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const mention: Attention = { conversation: '#garden', from: 'bob', isBot: false, text: 'alice?', time: 5 };

/** What a call makes: notifications, and tones. */
async function called(attention: Attention = mention): Promise<readonly [number, number]> {
  call(store, attention);
  await settle();
  return [shown.length, tones];
}

describe('a call', () => {
  it('is a notification and one sound of two tones while nobody looks', async () => {
    page.document.isFocused = false;
    expect(await called()).toEqual([1, 2]);
    expect(shown[0]).toMatchObject({
      title: 'bob in #garden',
      options: { body: 'alice?', tag: '#garden' },
    });
  });

  it.each([
    ['the page is hidden', { visibilityState: 'hidden' }],
    ['something else has the focus', { isFocused: false }],
  ])('is both if %s', async (_what, state) => {
    Object.assign(page.document, state);
    expect(await called()).toEqual([1, 2]);
  });

  it('is nothing for what is in front of the user, and a sound for what is not', async () => {
    expect(await called()).toEqual([0, 0]);
    expect(await called({ ...mention, conversation: '@bob' })).toEqual([0, 2]);
  });

  it.each<[object, readonly [number, number]]>([
    [{ sound: false }, [1, 0]],
    [{ notifications: false }, [0, 2]],
    [{ sound: false, notifications: false }, [0, 0]],
  ])('is what the user wants: %j', async (settings, expected) => {
    page.document.isFocused = false;
    store.settings.value = { ...store.settings.value, ...settings };
    expect(await called()).toEqual(expected);
  });

  it.each(['denied', 'default'])('is no notification if the browser says %s', async (permission) => {
    page.document.isFocused = false;
    TestNotification.permission = permission;
    expect(await called()).toEqual([0, 2]);
    expect(await askToNotify()).toBe(false);
  });
});

describe('a notification', () => {
  beforeEach(() => (page.document.isFocused = false));

  it('says who it is from where there is no room, and tells a program apart', async () => {
    await called({ ...mention, conversation: '@bob' });
    await called({ ...mention, from: 'grafana', isBot: true });
    expect(shown.map(({ title }) => title)).toEqual(['bob', 'grafana (bot) in #garden']);
  });

  it('leads to what it tells, and is gone then', async () => {
    await called({ ...mention, conversation: '@bob' });
    shown[0]?.onclick?.();
    expect([store.shown.value, focused, shown[0]?.isClosed]).toEqual(['@bob', 1, true]);
  });

  it('that a phone knows but does not allow costs a warning', async () => {
    TestNotification.isForbidden = true;
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    expect(await called()).toEqual([0, 2]);
    expect(warn).toHaveBeenCalledOnce();
  });

  it('is not asked for where there are none', async () => {
    expect([knowsNotifications(), await askToNotify()]).toEqual([true, true]);
    vi.stubGlobal('window', {});
    expect([knowsNotifications(), await askToNotify()]).toEqual([false, false]);
  });
});
