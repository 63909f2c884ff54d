// What a page gives to its store: a line to the hub in the worker or in the page itself, local storage, focus.
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FromHub, ToHub } from '../src/connection/messages';
import type { Surroundings } from '../src/store/core';
import { surroundings } from '../src/page';
import { settle } from './clock';
import { TestWindow } from './window';

/** The script of the hub; something that can be loaded here, or not. */
const worker = vi.hoisted(() => ({ url: 'node:path' }));
vi.mock('../src/worker?sharedworker&url', () => ({
  get default(): string {
    return worker.url;
  },
}));

/** One end of a line, as `MessagePort` is one. */
class LineEnd {
  onmessage: ((message: { readonly data: unknown }) => void) | null = null;
  other: LineEnd | null = null;

  postMessage(data: unknown): void {
    queueMicrotask(() => this.other?.onmessage?.({ data: structuredClone(data) }));
  }
}

/** A hub by hand, at the other end of a line. */
class TestHub {
  readonly heard: ToHub[] = [];
  readonly page = new LineEnd();
  private readonly mine = new LineEnd();

  constructor() {
    [this.page.other, this.mine.other] = [this.mine, this.page];
    this.mine.onmessage = ({ data }) => this.heard.push(data as ToHub);
  }

  async tell(message: FromHub): Promise<void> {
    this.mine.postMessage(message);
    await settle();
  }

  get did(): readonly string[] {
    return this.heard.map((message) => message.do);
  }
}

class TestWorker extends EventTarget {
  static last: TestWorker | null = null;
  readonly port: LineEnd;

  constructor(
    readonly address: unknown,
    readonly options: unknown,
  ) {
    super();
    TestWorker.last = this;
    this.port = inWorker.page;
  }
}

let page: TestWindow;
let inWorker: TestHub;
/** The hubs in the page itself that were begun. */
let local: TestHub[];
let locks: (() => void)[];
let failures: number;
let heard: FromHub[];
/** Whether the page reaches the server. */
let reaches: boolean;
let env: Surroundings;

beforeEach(() => {
  worker.url = 'node:path';
  page = new TestWindow();
  page.install();
  inWorker = new TestHub();
  [local, locks, failures, heard, reaches] = [[], [], 0, [], true];
  const { events } = page;
  Object.assign(page.document, { addEventListener: events.addEventListener.bind(events) });
  const request = (_name: string, run: () => void) => {
    locks.push(run);
    return new Promise(() => undefined);
  };
  const stubs = {
    navigator: { locks: { request } },
    SharedWorker: TestWorker,
    fetch: () => (reaches ? Promise.resolve() : Promise.reject(new TypeError('Failed to fetch'))),
    dispatchEvent: () => true,
    MessageEvent: class extends Event {},
    MessageChannel: class {
      readonly port1: LineEnd;
      constructor() {
        const hub = new TestHub();
        local.push(hub);
        this.port1 = hub.page;
      }
    },
    requestAnimationFrame: (run: () => void) => run(),
  };
  for (const [name, value] of Object.entries(stubs)) vi.stubGlobal(name, value);
});

afterAll(() => void vi.unstubAllGlobals());

async function begin(): Promise<void> {
  env = surroundings(() => failures++);
  env.port.listen((message) => heard.push(message));
  await settle();
}

/** A page begins, and gets the lock by which its worker knows that it lives. */
async function attach(): Promise<void> {
  await begin();
  locks.forEach((run) => run());
  await settle();
}

const WAITING: FromHub = { tell: 'connection', connection: { state: 'waiting', seconds: 3, problem: null } };
const BEHIND: FromHub = { tell: 'connection', connection: { state: 'behind' } };
const LOG_IN = { do: 'log-in', n: 1, user: 'alice', password: 'p', register: false, invite: null } as const;
const CUT_OFF: FromHub = { tell: 'answer', n: 1, outcome: { ok: false, problem: { code: 'not-connected' } } };

describe('the hub', () => {
  it('in the worker is told first who lives, and then what the page wanted meanwhile', async () => {
    await begin();
    env.port.post({ do: 'retry' });
    await settle();
    expect(inWorker.heard).toEqual([]);
    locks.forEach((run) => run());
    await settle();
    env.port.post({ do: 'check' });
    await settle();
    expect(inWorker.did).toEqual(['attach', 'retry', 'check']);
    expect(inWorker.heard[0]).toMatchObject({ lock: expect.stringMatching(/^parlor-tab-.{36}$/) as string });
    await inWorker.tell(BEHIND);
    expect([heard, local]).toEqual([[BEHIND], []]);
  });

  it('is one script for all tabs, and no other address becomes a script', async () => {
    const rules: { createScriptURL: (url: string) => string }[] = [];
    vi.stubGlobal('trustedTypes', {
      createPolicy: (name: string, rule: { createScriptURL: (url: string) => string }) => {
        rules.push(rule);
        return { createScriptURL: (url: string) => `${name}:${rule.createScriptURL(url)}` };
      },
    });
    await begin();
    vi.stubGlobal('trustedTypes', undefined);
    expect([TestWorker.last?.address, TestWorker.last?.options]).toEqual([
      'parlor:node:path',
      { type: 'module', name: 'parlor' },
    ]);
    expect(() => rules[0]?.createScriptURL('https://elsewhere.example/')).toThrow(TypeError);
  });

  it('is in the page where there are no workers for all tabs', async () => {
    vi.stubGlobal('SharedWorker', undefined);
    await begin();
    env.port.post({ do: 'retry' });
    await settle();
    expect(local.map(({ heard: all }) => all)).toEqual([[{ do: 'attach', lock: null }, { do: 'retry' }]]);
    expect(failures).toBe(0);
  });

  it('that cannot be had at all is told', async () => {
    vi.stubGlobal('SharedWorker', undefined);
    worker.url = 'node:nothing-of-this-name';
    await begin();
    await vi.waitFor(() => expect(failures).toBe(1));
  });

  it('is in the page if the worker fails before it says anything, and not because of a later failure', async () => {
    await attach();
    TestWorker.last?.dispatchEvent(new Event('error'));
    await settle();
    expect([local.length, local[0]?.did]).toEqual([1, ['attach']]);
    // What the worker says after all is not heard any more.
    await inWorker.tell(BEHIND);
    expect(heard).toEqual([]);

    inWorker = new TestHub();
    await attach();
    await inWorker.tell(BEHIND);
    TestWorker.last?.dispatchEvent(new Event('error'));
    await settle();
    expect(local).toHaveLength(1);
  });
});

describe('a worker that a browser does not let connect', () => {
  beforeEach(attach);

  it('is left if the page itself reaches the server', async () => {
    await inWorker.tell(WAITING);
    expect([inWorker.did, local[0]?.did]).toEqual([['attach', 'detach'], ['attach']]);
    await inWorker.tell(BEHIND);
    await local[0]?.tell(BEHIND);
    expect(heard).toEqual([WAITING, BEHIND]);
  });

  it('stays if the page does not reach the server either', async () => {
    reaches = false;
    await inWorker.tell(WAITING);
    expect([inWorker.did, local, heard]).toEqual([['attach'], [], [WAITING]]);
  });

  it('is none if it was connected before', async () => {
    await inWorker.tell(BEHIND);
    await inWorker.tell(WAITING);
    expect([inWorker.did, local]).toEqual([['attach'], []]);
  });

  it('is left with the login that it could not ask for, which the page asks again', async () => {
    env.port.post(LOG_IN);
    await inWorker.tell(CUT_OFF);
    expect([inWorker.did, local[0]?.did, heard]).toEqual([
      ['attach', 'log-in', 'detach'],
      ['attach', 'log-in'],
      [],
    ]);
    expect(local[0]?.heard[1]).toEqual(LOG_IN);
    const done: FromHub = { tell: 'answer', n: 1, outcome: { ok: true, value: undefined } };
    await local[0]?.tell(done);
    expect(heard).toEqual([done]);
  });

  it('tells that a login failed if nobody can be reached', async () => {
    reaches = false;
    env.port.post(LOG_IN);
    await inWorker.tell(CUT_OFF);
    expect([heard, local]).toEqual([[CUT_OFF], []]);
  });

  it('is not blamed for a login that the server refused, or for an answer to something else', async () => {
    env.port.post(LOG_IN);
    const refused: FromHub = {
      tell: 'answer',
      n: 1,
      outcome: { ok: false, problem: { code: 'bad-credentials' } },
    };
    await inWorker.tell({ ...CUT_OFF, n: 2 });
    await inWorker.tell(refused);
    expect([heard.length, heard[1], local]).toEqual([2, refused, []]);
    // It is answered, so it is not asked again by a page that moves later.
    await inWorker.tell(WAITING);
    expect(local[0]?.did).toEqual(['attach']);
  });
});

describe('the storage of the browser', () => {
  const kept = new Map<string, string>();

  it('keeps what it is given, and removes what is null', async () => {
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
    await begin();
    env.storage.set('a', '1');
    env.storage.set('b', '');
    expect([env.storage.get('a'), env.storage.get('b'), env.storage.get('c')]).toEqual(['1', '', null]);
    env.storage.set('a', null);
    expect([...kept.keys()]).toEqual(['b']);
  });

  it('that is full or forbidden costs what it would have kept, and nothing else', async () => {
    const forbid = () => {
      throw new DOMException('forbidden', 'SecurityError');
    };
    vi.stubGlobal('localStorage', { getItem: forbid, setItem: forbid, removeItem: forbid });
    await begin();
    expect(env.storage.get('a')).toBeNull();
    expect(() => env.storage.set('a', '1')).not.toThrow();
    expect(() => env.storage.set('a', null)).not.toThrow();
  });

  it('tells when another tab changed something', async () => {
    await begin();
    let changes = 0;
    env.storage.watch(() => changes++);
    page.events.dispatchEvent(new Event('storage'));
    expect(changes).toBe(1);
  });
});

describe('who looks', () => {
  it('is told to the hub, which checks the connection when somebody comes back', async () => {
    await attach();
    page.events.dispatchEvent(new Event('focus'));
    page.events.dispatchEvent(new Event('online'));
    page.document.visibilityState = 'hidden';
    page.events.dispatchEvent(new Event('visibilitychange'));
    await settle();
    expect(inWorker.did).toEqual(['attach', 'focus', 'check']);
    expect(env.visible()).toBe(false);
    page.document.visibilityState = 'visible';
    page.events.dispatchEvent(new Event('visibilitychange'));
    await settle();
    expect(inWorker.did.slice(3)).toEqual(['focus', 'check']);
    expect(env.visible()).toBe(true);
  });

  it('has keys that the server takes, none twice', async () => {
    await begin();
    const keys = Array.from({ length: 50 }, () => env.newKey());
    expect(new Set(keys).size).toBe(50);
    for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });
});
