// A page without a hub: what its store asks is noted, what it hears is written in the test.
import type { FromHub, Port, ToHub } from '../src/connection/messages';
import type { Sync } from '../src/connection/connection';
import type { Answer } from '../src/protocol/events';
import { conversationActions, messageActions, sessionActions } from '../src/store/actions';
import type { Conversation } from '../src/store/conversation';
import { Core } from '../src/store/core';
import { moreActions } from '../src/store/late';
import type { EarlyActions } from '../src/store/later';
import type { Actions, ConversationId, Outcome } from '../src/store/model';
import { settle, TestClock } from './clock';
import { sync } from './standing';

/** The hub's end of the line of one tab. */
class HandHub implements Port<FromHub, ToHub> {
  readonly heard: ToHub[] = [];
  private readonly answers = new Map<string, Outcome<Answer | undefined>>();
  private listener: (message: FromHub) => void = () => undefined;

  /** What is asked is answered if the test knows an answer, and is never answered otherwise. */
  post(message: ToHub): void {
    this.heard.push(message);
    const outcome = this.answers.get(message.do === 'request' ? message.line : message.do);
    if ('n' in message && outcome !== undefined) {
      const { n } = message;
      queueMicrotask(() => this.tell({ tell: 'answer', n, outcome }));
    }
  }

  listen(listener: (message: FromHub) => void): void {
    this.listener = listener;
  }

  tell(message: FromHub): void {
    this.listener(message);
  }

  /** What is answered to a line, or to an order such as `log-in`. */
  answer(asked: string, value?: object): void {
    this.answers.set(asked, { ok: true, value: value as Answer | undefined });
  }

  refuse(asked: string, code: string): void {
    this.answers.set(asked, { ok: false, problem: { code } });
  }

  /** The lines that were asked, in their order. */
  get lines(): readonly string[] {
    return this.heard.flatMap((message) => (message.do === 'request' ? [message.line] : []));
  }

  /** What was told that is no question. */
  get told(): readonly ToHub[] {
    return this.heard.filter((message) => message.do !== 'request');
  }
}

/** A store with all that a user can do, on a line to a hub by hand. */
export class HandStore {
  readonly hub = new HandHub();
  readonly core: Core;
  readonly actions: Actions;

  constructor() {
    const clock = new TestClock();
    const stored = new Map<string, string>();
    let keys = 0;
    this.core = new Core({
      port: this.hub,
      storage: {
        get: (key) => stored.get(key) ?? null,
        set: (key, value) => {
          if (value === null) stored.delete(key);
          else stored.set(key, value);
        },
        watch: () => undefined,
      },
      now: clock.now,
      after: clock.after,
      whenDrawn: (run) => run(),
      visible: () => true,
      newKey: () => `key-${++keys}`,
    });
    const early: EarlyActions = {
      ...sessionActions(this.core),
      ...conversationActions(this.core),
      ...messageActions(this.core),
      setSettings: (change) => this.core.changeSettings(change),
      dismiss: () => undefined,
    };
    this.actions = { ...early, ...moreActions(this.core, early) };
  }

  logIn(user = 'alice'): void {
    this.hub.tell({ tell: 'session', session: { state: 'logged-in', user } });
  }

  /** The connection is live, and this is where everything stands. What the store asks then is forgotten. */
  async stand(fields: Partial<Sync> = {}): Promise<void> {
    this.hub.tell({ tell: 'stand', stand: { sync: sync(fields), outbox: [] } });
    await settle();
    this.hub.heard.length = 0;
  }

  get(id: ConversationId): Conversation {
    const found = this.core.conversation(id);
    if (found === undefined) throw new Error(`no ${id}`);
    return found;
  }
}
