// How far I have read. Marks are sent a little later, so that reading on costs one line, and only move forward. One
// that was not sent is sent after the next connection.
import type { Answer } from '../protocol/events';
import { command } from '../protocol/lines';
import { kindOf, targetOf, type ConversationId } from '../protocol/target';
import type { Outcome } from '../store/model';
import type { Sync } from './connection';
import type { Clock } from './ports';

const LATER = 1_000;
const AGAIN = 5_000;
/** All direct conversations have one numbering. */
const INBOX = '@';

interface Mark {
  wanted: number;
  sent: number;
}

export class Marks {
  private readonly marks = new Map<ConversationId, Mark>();
  private epochs: ReadonlyMap<ConversationId | typeof INBOX, string> = new Map();
  private stopTimer: (() => void) | null = null;
  /** How many marks were new. */
  noted = 0;

  constructor(
    private readonly clock: Clock,
    private readonly send: (line: string, done: (outcome: Outcome<Answer>) => void) => void,
  ) {}

  /** I have read up to `id`. Whether that is new. */
  note(target: ConversationId, id: number): boolean {
    const mark = this.marks.get(target) ?? { wanted: 0, sent: 0 };
    if (id <= mark.wanted) return false;
    mark.wanted = id;
    this.noted++;
    this.marks.set(target, mark);
    this.flushAfter(LATER);
    return true;
  }

  /** Sends what was not sent yet. Whether there was anything. */
  flush(): boolean {
    this.stopTimer?.();
    this.stopTimer = null;
    let any = false;
    for (const [target, mark] of this.marks) {
      if (mark.wanted <= mark.sent) continue;
      const before = mark.sent;
      mark.sent = mark.wanted;
      any = true;
      this.send(command('read', [target, mark.wanted]), (outcome) => {
        if (outcome.ok) return;
        const { code } = outcome.problem;
        if (!LATER_AGAIN.has(code)) return void this.marks.delete(target);
        mark.sent = Math.min(mark.sent, before);
        if (code !== 'connection-lost' && code !== 'not-connected') this.flushAfter(AGAIN);
      });
    }
    return any;
  }

  /** All marks, as the server will know them. */
  all(): { readonly target: ConversationId; readonly id: number }[] {
    return [...this.marks].map(([target, { wanted }]) => ({ target, id: wanted }));
  }

  /** The numberings are these. Marks of others are void. */
  stand({ rooms, feeds, inbox }: Sync): void {
    const epochs = new Map<ConversationId | typeof INBOX, string>([[INBOX, inbox.epoch]]);
    for (const { room, epoch } of rooms) epochs.set(targetOf('room', room), epoch);
    for (const { user, epoch } of feeds) epochs.set(targetOf('feed', user), epoch);
    const log = (target: ConversationId) => (kindOf(target) === 'direct' ? INBOX : target);
    for (const target of this.marks.keys())
      if (epochs.get(log(target)) !== this.epochs.get(log(target))) this.marks.delete(target);
    this.epochs = epochs;
  }

  private flushAfter(ms: number): void {
    this.stopTimer ??= this.clock.after(ms, () => {
      this.flush();
    });
  }

  /** Another user is here. */
  forget(): void {
    this.marks.clear();
  }
}

/** Failures that say nothing about the mark: it is sent again, after the next connection at the latest. */
const LATER_AGAIN = new Set(['connection-lost', 'not-connected', 'store-unavailable', 'too-many-waiting']);
