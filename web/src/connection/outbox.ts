// My messages until they are in a log. Each is sent by `/once` with a key of its own, and sent again with the same key
// after every reconnect until it is answered, so it is in its log once. In each conversation only one is on its way at
// a time, so they arrive in their order whatever fails.
import type { Answer } from '../protocol/events';
import { command, once } from '../protocol/lines';
import { kindOf, nameOf, type ConversationId } from '../protocol/target';
import type { Outcome } from '../store/model';
import { MOST_WAITING, type OutboxItem } from './messages';
import type { Clock } from './ports';

/** The server keeps keys for an hour at least. After this time nothing is sent again without being asked to. */
const KEY_LIFE = 55 * 60_000;
/** Of outcomes that tell nothing: what becomes of the message is known after the next connection. */
const NO_ANSWER = new Set(['connection-lost', 'not-connected']);
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

const WAITING = { state: 'waiting' } as const;

interface Kept {
  item: OutboxItem;
  /** When it was sent first, if it may be in the log. */
  tried: number | null;
}

export interface OutboxListener {
  /** Sends a line, and tells its answer once. */
  send(line: string, done: (outcome: Outcome<Answer>) => void): void;
  changed(item: OutboxItem): void;
  /** It is in its log now, or was discarded. */
  gone(item: OutboxItem): void;
}

/** The line that says it. */
export function lineOf(item: OutboxItem): string {
  const name = nameOf(item.target);
  const kind = kindOf(item.target);
  if (kind === 'room') return once(item.key, command('say', [name], item.text));
  return once(
    item.key,
    kind === 'direct' ? command('msg', [name], item.text) : command('publish', [], item.text),
  );
}

export class Outbox {
  /** In the order in which they are sent. */
  private kept: Kept[] = [];
  /** The message on its way, of each conversation. */
  private readonly onTheirWay = new Map<ConversationId, Kept>();
  /** Conversations whose store is away. `stop` is null while a message is tried again. */
  private readonly pauses = new Map<ConversationId, { length: number; stop: (() => void) | null }>();
  private isUp = false;

  constructor(
    private readonly clock: Clock,
    private readonly listener: OutboxListener,
  ) {}

  get items(): readonly OutboxItem[] {
    return this.kept.map((each) => each.item);
  }

  /** Takes a message, which may have been sent before. One with a known key is not taken again. */
  add(item: OutboxItem, mayBeSent = false): void {
    if (this.find(item.key) !== undefined) return;
    const kept: Kept = { item, tried: mayBeSent ? item.time : null };
    this.kept.push(kept);
    if (this.refuseOld(kept)) return;
    if (this.kept.length > MOST_WAITING)
      this.change(kept, { state: 'refused', problem: { code: 'too-many-waiting' } });
    else this.listener.changed(item);
    this.pump(item.target);
  }

  /** Tries a message again that was refused, behind the others; or one that waits for the store, at once. */
  again(key: string): void {
    const kept = this.find(key);
    if (kept === undefined || this.onTheirWay.get(kept.item.target) === kept) return;
    if (kept.item.delivery.state === 'refused') {
      this.kept = [...this.kept.filter((each) => each !== kept), kept];
      kept.tried = null;
    }
    this.resume(kept.item.target);
    this.change(kept, WAITING);
    this.pump(kept.item.target);
  }

  /** Forgets a message. If it is on its way, it may still arrive. */
  discard(key: string): void {
    const kept = this.find(key);
    if (kept === undefined) return;
    this.remove(kept);
    this.pump(kept.item.target);
  }

  /** Forgets everything: another user. */
  clear(): void {
    this.down();
    for (const each of [...this.kept]) this.remove(each);
  }

  up(): void {
    this.isUp = true;
    for (const each of this.kept) {
      if (!this.refuseOld(each) && each.item.delivery.state === 'stalled') this.change(each, WAITING);
    }
    for (const target of new Set(this.kept.map((each) => each.item.target))) this.pump(target);
  }

  down(): void {
    this.isUp = false;
    this.onTheirWay.clear();
    for (const target of [...this.pauses.keys()]) this.resume(target);
  }

  /** Sends nothing by itself whose key the server may have forgotten. Whether that, or a refusal, is the case. */
  private refuseOld(kept: Kept): boolean {
    if (kept.item.delivery.state === 'refused') return true;
    if (kept.tried === null || this.clock.now() - kept.tried <= KEY_LIFE) return false;
    this.change(kept, { state: 'refused', problem: { code: 'unknown-outcome' } });
    return true;
  }

  private find(key: string): Kept | undefined {
    return this.kept.find((each) => each.item.key === key);
  }

  private change(kept: Kept, delivery: OutboxItem['delivery']): void {
    kept.item = { ...kept.item, delivery };
    this.listener.changed(kept.item);
  }

  private remove(kept: Kept): void {
    if (!this.kept.includes(kept)) return;
    this.kept = this.kept.filter((each) => each !== kept);
    this.listener.gone(kept.item);
  }

  private resume(target: ConversationId): void {
    this.pauses.get(target)?.stop?.();
    this.pauses.delete(target);
  }

  private pump(target: ConversationId): void {
    if (!this.isUp || this.onTheirWay.has(target) || this.isPaused(target)) return;
    const next = this.kept.find(
      (each) => each.item.target === target && each.item.delivery.state !== 'refused',
    );
    if (next === undefined) return;
    this.onTheirWay.set(target, next);
    next.tried ??= this.clock.now();
    this.listener.send(lineOf(next.item), (outcome) => this.answered(next, outcome));
  }

  private isPaused(target: ConversationId): boolean {
    return (this.pauses.get(target)?.stop ?? null) !== null;
  }

  private pause(target: ConversationId): void {
    const length = Math.min(LONGEST_PAUSE, 2 * (this.pauses.get(target)?.length ?? FIRST_PAUSE / 2));
    const pause = { length, stop: null as (() => void) | null };
    pause.stop = this.clock.after(length, () => {
      pause.stop = null;
      this.pump(target);
    });
    this.pauses.set(target, pause);
  }

  private answered(kept: Kept, outcome: Outcome<Answer>): void {
    const { target } = kept.item;
    if (this.onTheirWay.get(target) !== kept) return;
    if (!outcome.ok && NO_ANSWER.has(outcome.problem.code)) return;
    this.onTheirWay.delete(target);
    const away = !outcome.ok && outcome.problem.code === 'store-unavailable';
    if (away) this.pause(target);
    else this.resume(target);
    if (outcome.ok) this.remove(kept);
    else if (this.kept.includes(kept))
      this.change(kept, { state: away ? 'stalled' : 'refused', problem: outcome.problem });
    this.pump(target);
  }
}
