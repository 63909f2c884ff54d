// Whatever a server and its network do that the protocol allows: in the end the store shows the logs, and what I said
// is in them once, in the order in which I said it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../src/protocol/entries';
import { Hub } from '../src/connection/hub';
import type { ConversationId } from '../src/protocol/target';
import { MOST_HELD } from '../src/store/window';
import { chance, TestClock } from './clock';
import { Server } from './server';
import { ME, partner, present, unreadOf } from './server-log';
import { messagesIn, openTab, rowsOf, type Tab } from './tab';

const ROOMS = ['lobby', 'garden'] as const;
const TARGETS = ['#lobby', '#garden', '@bob', '@carol', '+erin'] as const;
const MINE = ['#lobby', '#garden', '@bob'] as const;

const room = fc.constantFrom(...ROOMS);
const target = fc.constantFrom<ConversationId>(...TARGETS);
const many = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constantFrom(60, 350));

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('others'), room, many }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('change'), room, at: fc.nat(8), isEdit: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('direct'), from: fc.constantFrom('bob', 'carol') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('publish') }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send'),
      to: fc.constantFrom<ConversationId>(...MINE),
      many: fc.integer({ min: 1, max: 3 }),
      isRefused: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
      tab: fc.nat(2),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('drop'), how: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('break') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('away'), what: fc.constantFrom('store', 'server') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('take-over') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renumber'), target, keep: fc.nat(6) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(1, 10, 30, 100, 1_000, 8_000) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('show'), target, tab: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('load'),
      how: fc.constantFrom('loadOlder', 'loadNewer', 'jumpToNewest'),
      target,
      tab: fc.nat(2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('follow'), target, atEnd: fc.boolean(), tab: fc.nat(2) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('read'), target, back: fc.nat(3), tab: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('open-tab') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close-tab') }) },
) as fc.Arbitrary<Step>;

type Step =
  | { do: 'others'; room: string; many: number }
  | { do: 'change'; room: string; at: number; isEdit: boolean }
  | { do: 'direct'; from: string }
  | { do: 'publish' | 'break' | 'take-over' | 'open-tab' | 'close-tab' }
  | { do: 'send'; to: ConversationId; many: number; isRefused: boolean; tab: number }
  | { do: 'drop'; how: number }
  | { do: 'away'; what: string }
  | { do: 'renumber'; target: ConversationId; keep: number }
  | { do: 'wait'; ms: number }
  | { do: 'show'; target: ConversationId; tab: number }
  | { do: 'load'; how: 'loadOlder' | 'loadNewer' | 'jumpToNewest'; target: ConversationId; tab: number }
  | { do: 'follow'; target: ConversationId; atEnd: boolean; tab: number }
  | { do: 'read'; target: ConversationId; back: number; tab: number };

class Play {
  readonly clock: TestClock;
  readonly server: Server;
  readonly hub: Hub;
  tabs: Tab[];
  private said = 0;
  /** What I said and the server does not refuse, by conversation, in order. */
  readonly sent = new Map<ConversationId, string[]>();
  isRenumbered = false;

  constructor(seed: number) {
    const random = chance(seed);
    this.clock = new TestClock(random);
    this.server = new Server(this.clock, random);
    this.server.addRoom('garden');
    this.server.addFeed('erin');
    for (const name of ROOMS) for (let n = 0; n < 70; n++) this.say(name);
    this.server.direct('bob', 'the first one');
    this.hub = new Hub(this.server.network, () => undefined);
    this.tabs = [openTab(this.hub, this.clock)];
  }

  private say(name: string): void {
    const text = `text ${++this.said}`;
    this.server.inRoom(name, (id, time) => ({ type: 'message', id, time, from: 'bob', text }));
  }

  private change(name: string, at: number, isEdit: boolean): void {
    const messages = this.server.log(name).entries.filter((each) => each.type === 'message');
    const of = messages.at(-1 - at)?.id;
    const isRemoved = this.server.log(name).entries.some((each) => each.type === 'removed' && each.of === of);
    if (of === undefined || isRemoved) return;
    const text = `edited ${++this.said}`;
    this.server.inRoom(name, (id, time) =>
      isEdit
        ? { type: 'edited', id, time, from: 'bob', of, text }
        : { type: 'removed', id, time, from: 'bob', of, reason: '' },
    );
  }

  private tab(at: number): Tab {
    const tab = this.tabs[at % this.tabs.length];
    if (tab === undefined) throw new Error('no tab');
    return tab;
  }

  private send(to: ConversationId, many: number, isRefused: boolean, at: number): void {
    const lines = Array.from({ length: many }, () => `mine ${++this.said}`);
    if (isRefused) lines.forEach((line) => this.server.refused.add(line));
    const outcome = this.tab(at).store.actions.send(to, lines.join('\n'));
    if (outcome.ok && !isRefused) this.sent.set(to, [...(this.sent.get(to) ?? []), ...lines]);
  }

  private drop(how: number): void {
    if (how === 0) this.server.drop(1001, 'server-shutdown');
    else if (how === 1) this.server.drop(4004);
    else this.server.drop();
  }

  private renumber(target: ConversationId, keep: number): void {
    this.isRenumbered = true;
    this.server.renumber(this.server.logOf(target), keep);
    this.server.drop();
  }

  private markRead(target: ConversationId, back: number, at: number): void {
    const tab = this.tab(at);
    const seen = messagesIn(tab, target).filter((row) => row.id !== null);
    const id = seen.at(-1 - back)?.id;
    if (id !== undefined && id !== null) tab.store.actions.markRead(target, id);
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'others':
        for (let n = 0; n < step.many; n++) this.say(step.room);
        return;
      case 'change': {
        this.change(step.room, step.at, step.isEdit);
        return;
      }
      case 'direct': {
        this.server.direct(step.from, `direct ${++this.said}`);
        return;
      }
      case 'publish': {
        this.server.publish('erin', `published ${++this.said}`);
        return;
      }
      case 'send': {
        this.send(step.to, step.many, step.isRefused, step.tab);
        return;
      }
      case 'drop': {
        this.drop(step.how);
        return;
      }
      case 'break':
        this.server.breakAfterCommit = true;
        return;
      case 'away':
        if (step.what === 'store') this.server.storeAway = !this.server.storeAway;
        else this.server.isReachable = !this.server.isReachable;
        if (!this.server.isReachable) this.server.drop();
        return;
      case 'take-over': {
        this.server.drop(4001, 'logged-in-elsewhere');
        return;
      }
      case 'renumber': {
        this.renumber(step.target, step.keep);
        return;
      }
      case 'wait':
        return this.clock.advance(step.ms);
      case 'show': {
        this.tab(step.tab).store.actions.show(step.target);
        return;
      }
      case 'load':
        return void this.tab(step.tab).store.actions[step.how](step.target);
      case 'follow': {
        this.tab(step.tab).store.actions.follow(step.target, step.atEnd);
        return;
      }
      case 'read': {
        this.markRead(step.target, step.back, step.tab);
        return;
      }
      case 'open-tab':
        if (this.tabs.length < 3) this.tabs.push(openTab(this.hub, this.clock));
        return;
      case 'close-tab':
        if (this.tabs.length > 1) this.tabs.shift()?.post({ do: 'detach' });
    }
  }

  /** Everything works again, and has time to be put right. */
  async end(): Promise<void> {
    this.server.storeAway = false;
    this.server.isReachable = true;
    this.server.breakAfterCommit = false;
    await this.clock.advance(60_000);
    if (this.tab(0).store.connection.value.state === 'taken-over') this.tab(0).store.actions.useHere();
    await this.clock.advance(60_000);
  }

  /** The entries of a conversation, as they read now. */
  entries(target: ConversationId): readonly Entry[] {
    const { entries } = this.server.logOf(target);
    const mine = target.startsWith('@')
      ? entries.filter((entry) => partner(entry) === target.slice(1))
      : entries;
    return mine.map((entry) => present(entry, entries));
  }

  async check(): Promise<void> {
    for (const tab of this.tabs) {
      expect(tab.store.connection.value).toEqual({ state: 'live' });
      for (const target of TARGETS) await this.checkConversation(tab, target);
    }
    for (const target of MINE) this.checkSaid(target);
  }

  private async checkConversation(tab: Tab, target: ConversationId): Promise<void> {
    const entries = this.entries(target);
    if (entries.length === 0 && target.startsWith('@')) return;
    const { actions } = tab.store;
    const expected = entries
      .filter((entry) => entry.type === 'message' || entry.type === 'direct' || entry.type === 'publication')
      .map((entry) => ({ id: entry.id, author: entry.from, text: entry.text }));
    const summary = tab.store.conversation(target)?.summary.value;
    expect([target, summary?.unread]).toEqual([target, this.unread(target)]);
    actions.show(target);
    void actions.jumpToNewest(target);
    await this.clock.advance(2_000);
    const shown = () =>
      messagesIn(tab, target)
        .filter((row) => row.id !== null)
        .map(({ id, author, text }) => ({ id, author, text }));
    const newest = shown();
    expect(newest).toEqual(expected.slice(expected.length - newest.length));
    expect(rowsOf(tab, target).filter((row) => row.kind === 'gap')).toEqual([]);
    for (let page = 0; page < 60 && tab.store.conversation(target)?.older.value !== 'end'; page++) {
      void actions.loadOlder(target);
      await this.clock.advance(200);
    }
    expect(shown()).toEqual(expected.slice(0, Math.min(expected.length, shown().length)));
    expect(shown().length).toBeGreaterThanOrEqual(Math.min(expected.length, MOST_HELD / 2));
    const waiting = messagesIn(tab, target).filter((row) => row.id === null);
    expect(waiting.every((row) => row.delivery.state === 'refused')).toBe(true);
  }

  private unread(target: ConversationId): number {
    const { entries, read } = this.server.logOf(target);
    if (!target.startsWith('@')) return unreadOf(entries, read);
    const name = target.slice(1);
    const theirs = entries.filter((entry) => partner(entry) === name);
    return unreadOf(theirs, this.server.directReads.get(name) ?? 0);
  }

  private checkSaid(target: ConversationId): void {
    const { entries } = this.server.logOf(target);
    const texts = entries.flatMap((entry) => {
      const isMine = entry.from === ME && (!target.startsWith('@') || partner(entry) === target.slice(1));
      return isMine && (entry.type === 'message' || entry.type === 'direct') ? [entry.text] : [];
    });
    const sent = this.sent.get(target) ?? [];
    // A store that came back older has lost some; nothing else may be missing.
    const inOrder = this.isRenumbered ? sent.filter((text) => texts.includes(text)) : sent;
    expect(texts).toEqual(inOrder);
  }
}

describe('with a server that does what it may', () => {
  it('shows the logs in the end, and says everything once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.array(step, { maxLength: 40 }), async (seed, steps) => {
        const play = new Play(seed);
        await play.clock.advance(500);
        for (const each of steps) await play.run(each);
        await play.end();
        await play.check();
      }),
      { numRuns: Number(process.env['PARLOR_RUNS'] ?? 60) },
    );
  }, 120_000);
});
