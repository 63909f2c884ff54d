// How far I have read. Marks are sent a little later, so that reading on costs one line, and only move forward. One
// that was not sent is sent after the next connection.
import type { Answer } from '../protocol/events';
import { command } from '../protocol/lines';
import type { ConversationId } from '../protocol/target';
import type { Outcome } from '../store/model';
import type { Clock } from './ports';

const LATER = 1_000;

interface Mark {
  wanted: number;
  sent: number;
}

export class Marks {
  private readonly marks = new Map<ConversationId, Mark>();
  private stopTimer: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly send: (line: string, done: (outcome: Outcome<Answer>) => void) => void,
  ) {}

  /** I have read up to `id`. Whether that is new. */
  note(target: ConversationId, id: number): boolean {
    const mark = this.marks.get(target) ?? { wanted: 0, sent: 0 };
    if (id <= mark.wanted) return false;
    mark.wanted = id;
    this.marks.set(target, mark);
    this.stopTimer ??= this.clock.after(LATER, () => this.flush());
    return true;
  }

  /** Sends what was not sent yet. */
  flush(): void {
    this.stopTimer?.();
    this.stopTimer = null;
    for (const [target, mark] of this.marks) {
      if (mark.wanted <= mark.sent) continue;
      const before = mark.sent;
      mark.sent = mark.wanted;
      this.send(command('read', [target, mark.wanted]), (outcome) => {
        if (outcome.ok) return;
        if (LATER_AGAIN.has(outcome.problem.code)) mark.sent = before;
        else this.marks.delete(target);
      });
    }
  }

  /** A numbering is void, or another user is here. */
  forget(target?: ConversationId): void {
    if (target === undefined) this.marks.clear();
    else this.marks.delete(target);
  }
}

/** Failures that say nothing about the mark: it is sent after the next connection. */
const LATER_AGAIN = new Set(['connection-lost', 'not-connected', 'store-unavailable', 'too-many-waiting']);
