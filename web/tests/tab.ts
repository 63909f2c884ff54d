// A tab as a test opens it: a store on a line to a hub. The line clones what it carries, and keeps its order.
import type { FromHub, Port, ToHub } from '../src/connection/messages';
import type { Hub } from '../src/connection/hub';
import type { MessageRow, Row, Store } from '../src/store/model';
import type { ConversationId } from '../src/protocol/target';
import type { Surroundings } from '../src/store/core';
import { createStore } from '../src/store/store';
import type { TestClock } from './clock';

/** Two ends of one line. */
export function ports<A, B>(): [Port<A, B>, Port<B, A>] {
  const listeners: { a?: (message: A) => void; b?: (message: B) => void } = {};
  return [
    {
      post: (message) => queueMicrotask(() => listeners.b?.(structuredClone(message))),
      listen: (listener) => (listeners.a = listener),
    },
    {
      post: (message) => queueMicrotask(() => listeners.a?.(structuredClone(message))),
      listen: (listener) => (listeners.b = listener),
    },
  ];
}

export interface Tab {
  readonly store: Store;
  readonly storage: Map<string, string>;
  isVisible: boolean;
  post(message: ToHub): void;
}

let keys = 0;
/** Who wants to know of changes of a storage. */
const watchers = new WeakMap<Map<string, string>, (() => void)[]>();

export function openTab(hub: Hub, clock: TestClock, storage = new Map<string, string>()): Tab {
  const [mine, its] = ports<FromHub, ToHub>();
  hub.serve(its);
  const surroundings: Surroundings = {
    port: mine,
    storage: {
      get: (key) => storage.get(key) ?? null,
      set: (key, value) => {
        if (value === null) storage.delete(key);
        else storage.set(key, value);
        for (const changed of watchers.get(storage) ?? []) changed();
      },
      watch: (changed) => watchers.set(storage, [...(watchers.get(storage) ?? []), changed]),
    },
    now: clock.now,
    after: clock.after,
    whenDrawn: (run) => run(),
    visible: () => tab.isVisible,
    newKey: () => `key-${++keys}`,
  };
  const tab: Tab = {
    store: createStore(surroundings),
    storage,
    isVisible: true,
    post: (message) => mine.post(message),
  };
  tab.post({ do: 'attach', lock: null });
  return tab;
}

export function rowsOf(tab: Tab, id: ConversationId): readonly Row[] {
  return tab.store.conversation(id)?.rows.value ?? [];
}

export function messagesIn(tab: Tab, id: ConversationId): readonly MessageRow[] {
  return rowsOf(tab, id).filter((row): row is MessageRow => row.kind === 'message');
}

export function textsIn(tab: Tab, id: ConversationId): readonly string[] {
  return messagesIn(tab, id).map((row) => row.text);
}
