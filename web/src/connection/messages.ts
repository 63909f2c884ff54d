// What the hub and its tabs tell each other. Everything here can be cloned, since the hub may live in a worker.
// The order of messages of one side is kept.
import type { Answer, OtherOk, ServerEvent } from '../protocol/events';
import type { Ok } from '../protocol/replies';
import type { ConversationId } from '../protocol/target';
import type { Connection, Delivery, Outcome, Session } from '../store/model';
import type { Sync } from './connection';

/** A message that is in no log, as far as it is known. */
export interface OutboxItem {
  /** The key of `/once`; names the message in this client too. */
  readonly key: string;
  readonly target: ConversationId;
  readonly text: string;
  /** When it was written, in ms since 1970. */
  readonly time: number;
  readonly delivery: Exclude<Delivery, { readonly state: 'accepted' }>;
}

/** How many messages may wait. */
export const MOST_WAITING = 500;

/** What a tab asks of the hub. Those with an `n` are answered with the same `n`. */
export type ToHub =
  /** The first message. `lock` is the name of a lock that the tab holds while it lives; null if there are none. */
  | { readonly do: 'attach'; readonly lock: string | null }
  | { readonly do: 'detach' }
  /** The user looks at this tab. The tab that was looked at last is told to call for attention. */
  | { readonly do: 'focus' }
  | { readonly do: 'request'; readonly n: number; readonly line: string; readonly mayBeUnknown: boolean }
  | {
      readonly do: 'log-in';
      readonly n: number;
      readonly user: string;
      readonly password: string;
      readonly register: boolean;
      /** The code of an invitation, to make an account by it; null without one. */
      readonly invite: string | null;
      /** The session goes on, and only the ticket is a new one. */
      readonly goesOn?: true;
    }
  | { readonly do: 'log-out'; readonly n: number }
  | { readonly do: 'retry' }
  | { readonly do: 'check' }
  | {
      readonly do: 'send';
      readonly items: readonly OutboxItem[];
      /** Whether they are from a page that is gone, and may have been sent. */
      readonly mayBeSent?: boolean;
    }
  | { readonly do: 'again'; readonly key: string }
  | { readonly do: 'discard'; readonly key: string }
  | { readonly do: 'read'; readonly target: ConversationId; readonly id: number };

/** What a tab is told in the order in which it happened. */
export type HubEvent =
  | ServerEvent
  /** Something that I did, in whatever tab, was done. */
  | { readonly type: 'done'; readonly ok: Ok | OtherOk }
  /** A message waits, or what it waits for changed. */
  | { readonly type: 'item'; readonly item: OutboxItem }
  /** A message waits no more. `id` is its number in its log; null if it was discarded. */
  | { readonly type: 'gone'; readonly item: OutboxItem; readonly id: number | null }
  /** I have read up to here, in whatever tab. */
  | { readonly type: 'read'; readonly target: ConversationId; readonly id: number };

/** Where everything stands. The events that follow are about the same numbering. */
export interface Stand {
  readonly sync: Sync;
  readonly outbox: readonly OutboxItem[];
}

export type FromHub =
  | { readonly tell: 'session'; readonly session: Session }
  | { readonly tell: 'connection'; readonly connection: Connection }
  | { readonly tell: 'server'; readonly name: string }
  /** Whether this tab calls for attention. */
  | { readonly tell: 'attention'; readonly yours: boolean }
  | { readonly tell: 'stand'; readonly stand: Stand }
  | { readonly tell: 'events'; readonly events: readonly HubEvent[] }
  | { readonly tell: 'answer'; readonly n: number; readonly outcome: Outcome<Answer | undefined> };

/** One end of a line between a tab and the hub: a `MessagePort`, or its like. */
export interface Port<In, Out> {
  post(message: Out): void;
  listen(listener: (message: In) => void): void;
}
