// A connection of the model of a server: it delivers replies in their order and events in the order of their log, mixed in
// any way that the protocol allows.
import type { SocketListener } from '../src/connection/ports';
import type { Wire } from './server-log';
import type { Server } from './server';

interface Queued {
  readonly line: Wire;
  /** Must not be delivered before so many replies were. */
  readonly afterReplies: number;
}

/** One connection of the watched user. */
export class Connected {
  readonly open = new Set<string>();
  private readonly replies: Queued[] = [];
  private readonly streams = new Map<string, Queued[]>();
  private delivered = 0;
  private asked = 0;
  private lines: string[] = [];
  isClosed = false;
  private isBusy = false;
  isLoggedIn = false;

  constructor(
    readonly server: Server,
    readonly listener: SocketListener,
  ) {}

  /** Lines of the client wait, and are carried out one after the other. */
  take(text: string): void {
    this.lines.push(...text.split('\n'));
    this.work();
  }

  private work(): void {
    if (this.isBusy || this.isClosed) return;
    const line = this.lines.shift();
    if (line === undefined) return;
    this.isBusy = true;
    this.server.later(() => {
      this.isBusy = false;
      if (this.isClosed) return;
      this.server.execute(this, line);
      this.work();
    });
  }

  reply(line: Wire): void {
    this.asked++;
    this.replies.push({ line, afterReplies: 0 });
    this.server.later(() => this.deliver());
  }

  event(log: string, line: Wire, afterMyReplies = false): void {
    if (this.isClosed || !this.isLoggedIn) return;
    const stream = this.streams.get(log) ?? [];
    this.streams.set(log, stream);
    const gate = stream.at(-1)?.afterReplies ?? 0;
    stream.push({ line, afterReplies: afterMyReplies ? this.asked : gate });
    this.server.later(() => this.deliver());
  }

  /** Nothing of this log comes before the next reply. */
  gate(log: string): void {
    this.streams.set(log, [{ line: {}, afterReplies: this.asked + 1 }]);
    this.server.later(() => this.deliver());
  }

  /** Delivers one of the lines that may come next. */
  private deliver(): void {
    if (this.isClosed) return;
    const ready = [...this.streams.values()].filter(
      (stream) => stream[0] !== undefined && stream[0].afterReplies <= this.delivered,
    );
    const choices = this.replies.length > 0 ? [...ready, this.replies] : ready;
    const chosen = choices[Math.floor(this.server.random() * choices.length)];
    const next = chosen?.shift();
    if (next === undefined) {
      if (this.replies.length > 0 || [...this.streams.values()].some((stream) => stream.length > 0))
        this.server.later(() => this.deliver());
      return;
    }
    if (chosen === this.replies) this.delivered++;
    if (Object.keys(next.line).length > 0) this.listener.received(`${JSON.stringify(next.line)}\n`);
    else this.server.later(() => this.deliver());
  }

  close(code: number, bye?: string): void {
    if (this.isClosed) return;
    if (bye !== undefined) this.listener.received(JSON.stringify({ type: 'bye', code: bye, message: bye }));
    this.isClosed = true;
    this.server.later(() => this.listener.closed(code));
  }
}
