// Loads pages of logs: the newest, older and newer ones, and what is missing between. One request for each
// conversation and purpose is on its way at a time; an answer about a numbering that is void is dropped.
import { command } from '../protocol/lines';
import { DONE, failed } from '../connection/outcome';
import type { Conversation, Early } from './conversation';
import type { Link } from './link';
import type { Outcome } from './model';
import type { Hole, Page } from './window';

const PAGE = 50;
const MOST = 500;
/** Ms before a hole is taken for one: an answer to a line of mine may fill it. */
const PATIENCE = 400;
const AGAIN = 3_000;

interface LoadedPage extends Page {
  readonly epoch: string;
}

export class Loader {
  private readonly busy = new Map<string, Promise<Outcome>>();
  private generation = 0;

  constructor(
    private readonly link: Link,
    private readonly wait: (ms: number, run: () => void) => void,
    /** The server told another epoch than the store knows. */
    private readonly epochChanged: (conversation: Conversation, epoch: string) => void,
  ) {}

  /** What goes on belongs to a connection that is gone, or may: nothing waits for it any more. */
  restart(): void {
    this.generation++;
  }

  /** The newest page, if none is held; or in any case. */
  newest(conversation: Conversation, anyway = false): Promise<Outcome> {
    if (conversation.loaded.value && !anyway) return Promise.resolve(DONE);
    return this.once('newest', conversation, async () => {
      const { last } = conversation.log;
      const early: Early = [];
      conversation.early = early;
      const page = await this.page(conversation, [PAGE]);
      if (conversation.early !== early) return failed('connection-lost');
      conversation.early = null;
      if (!page.ok) return page;
      conversation.begin(page.value, last, early);
      this.mend(conversation);
      return DONE;
    });
  }

  older(conversation: Conversation): Promise<Outcome> {
    if (!conversation.loaded.value || conversation.older.value === 'end') return Promise.resolve(DONE);
    return this.edge('older', conversation, async () => {
      const { window } = conversation;
      conversation.older.value = 'loading';
      const { lo } = window;
      const page = await this.page(conversation, ['before', lo, PAGE]);
      if (page.ok && window.lo === lo) {
        window.older(page.value);
        conversation.took(page.value.entries);
      }
      return page.ok ? DONE : page;
    });
  }

  newer(conversation: Conversation): Promise<Outcome> {
    if (!conversation.loaded.value || conversation.window.attached) return Promise.resolve(DONE);
    return this.edge('newer', conversation, () => this.after(conversation, conversation.window.hi));
  }

  /** The first page of what is new since I was away, in place of what is held. */
  firstNew(conversation: Conversation): Promise<Outcome> {
    const id = conversation.newAfter.value;
    if (id === null) return Promise.resolve(DONE);
    return this.edge('newer', conversation, () => this.after(conversation, id, true));
  }

  /** Fills the holes of what is held, until there are none. */
  mend(conversation: Conversation, patience = PATIENCE): void {
    if (conversation.window.holes.length === 0) return;
    void this.once('mend', conversation, async () => {
      await new Promise<void>((resolve) => this.wait(patience, resolve));
      for (let hole = conversation.window.holes[0]; hole !== undefined; hole = conversation.window.holes[0]) {
        const outcome = await this.fill(conversation, hole);
        if (outcome.ok) continue;
        if (outcome.problem.code === 'store-unavailable') this.wait(AGAIN, () => this.mend(conversation, 0));
        return outcome;
      }
      return DONE;
    });
  }

  /** Learns of conversations that are not held when something was said last; what is unread there is loaded. */
  async background(conversations: readonly Conversation[]): Promise<void> {
    const { generation } = this;
    for (const conversation of conversations) {
      if (generation !== this.generation) return;
      if (conversation.loaded.value || conversation.newest <= conversation.looked) continue;
      conversation.looked = conversation.newest;
      if (conversation.unread.value > 0) await this.newest(conversation);
      else await this.look(conversation);
    }
  }

  private async look(conversation: Conversation): Promise<void> {
    const page = await this.page(conversation, [1]);
    const time = page.ok ? page.value.entries.at(-1)?.time : undefined;
    if (time !== undefined) conversation.activity.value = Math.max(conversation.activity.value, time);
  }

  /** A page behind an id, which is the newest that is held; or what is held is let go of. */
  private async after(conversation: Conversation, id: number, anew = false): Promise<Outcome> {
    const { window, log } = conversation;
    if (!anew) conversation.newer.value = 'loading';
    const { last } = log;
    const page = await this.page(conversation, ['after', id, PAGE]);
    if (!page.ok) return page;
    if (anew) window.beginAfter(id);
    const fits = window.hi === id && !window.attached;
    if (!fits) return DONE;
    window.newer(page.value, last);
    if (window.attached && log.last > window.hi) window.miss(log.last);
    conversation.took(page.value.entries);
    this.mend(conversation);
    return DONE;
  }

  private async fill(conversation: Conversation, hole: Hole): Promise<Outcome> {
    const count = Math.min(MOST, Math.max(PAGE, hole.to - hole.from + 1));
    const page = await this.page(conversation, ['after', hole.from - 1, count]);
    if (!page.ok) return page;
    conversation.window.fill(hole, page.value);
    conversation.took(page.value.entries);
    return DONE;
  }

  /** Loads a page at an edge. What becomes of the edge is told when the next page can be asked for. */
  private edge(
    what: 'older' | 'newer',
    conversation: Conversation,
    run: () => Promise<Outcome>,
  ): Promise<Outcome> {
    return this.once(what, conversation, run, ({ ok }) => {
      const { window, older, newer } = conversation;
      if (ok) {
        older.value = window.atBeginning ? 'end' : 'more';
        newer.value = window.attached ? 'end' : 'more';
      } else if (what === 'older' || !window.attached) conversation[what].value = 'failed';
    });
  }

  private async page(
    conversation: Conversation,
    words: readonly (string | number)[],
  ): Promise<Outcome<LoadedPage>> {
    const { epoch } = conversation.log;
    const page = await this.link.expect(command('backlog', [conversation.id, ...words]), 'backlog');
    if (!page.ok) return page;
    if (conversation.log.epoch !== epoch) return failed('connection-lost');
    if (page.value.epoch !== epoch) {
      this.epochChanged(conversation, page.value.epoch);
      return failed('connection-lost');
    }
    return page;
  }

  /** Does a thing that is not going on for this conversation; otherwise its outcome is that of what goes on. */
  private once(
    what: string,
    conversation: Conversation,
    run: () => Promise<Outcome>,
    after: (outcome: Outcome) => void = () => undefined,
  ): Promise<Outcome> {
    const key = `${this.generation} ${what} ${conversation.id}`;
    const going = this.busy.get(key);
    if (going !== undefined) return going;
    const promise = run()
      .finally(() => this.busy.delete(key))
      .then((outcome) => {
        after(outcome);
        return outcome;
      });
    this.busy.set(key, promise);
    return promise;
  }
}
