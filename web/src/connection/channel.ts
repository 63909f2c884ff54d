// One life of a socket: lines in and out. It matches each answer to its line, limits how many lines wait for an
// answer, and notices when the server is silent for too long. It does not know what the lines mean.
import { decode, type Answer, type ServerEvent } from '../protocol/events';
import type { Outcome } from '../store/model';
import { goodbyeOf } from './goodbye';
import type { Clock, OpenSocket, Socket } from './ports';
import { failed } from './outcome';
import { problemOf } from './problem';

/** Answers that may be missing at a time. The server would queue more lines, but a client that waits can stop. */
const IN_FLIGHT = 16;
/** Characters of lines that may wait to be sent. */
const MOST_QUEUED = 256 * 1024;
/** Ms after which a connection that never opened, or never greeted, is given up. */
const OPENING = 10_000;
/** Ms without a line of mine, after which I ping. */
const QUIET = 20_000;
/** Ms without a line of the server, after which the connection is dead. A ping is answered within this. */
const DEAD = 32_000;
/** Ms in which the server must answer if there is a reason to doubt the connection. */
const DOUBTED = 5_000;
const WATCH = 5_000;

export type Answered = (outcome: Outcome<Answer>) => void;

/** The answer to a line whose kind of answer this client does not know. */
const OTHER: Answer = { type: 'ok', command: 'other' };

interface Waiting {
  readonly line: string;
  readonly done: Answered;
  /** Of a line whose answer may be unknown: the token of the ping that follows it. */
  readonly fence: string | null;
  answer: Answer | null;
}

export interface ChannelListener {
  event(event: ServerEvent): void;
  /** All lines of one message were told. */
  settled(): void;
  /** The end. `goodbye` is null if the connection broke. Lines without an answer got `connection-lost` before. */
  closed(goodbye: string | null, message: string): void;
}

export class Channel {
  private readonly socket: Socket;
  /** Lines that were sent and not answered, in their order. */
  private readonly sent: Waiting[] = [];
  private readonly queue: Waiting[] = [];
  private queued = 0;
  private isOpen = false;
  private isClosed = false;
  private bye: { readonly code: string; readonly message: string } | null = null;
  private heard: number;
  private messages = 0;
  private spoke: number;
  private fences = 0;
  private stopWatch: () => void;

  /** Opens a socket. The server answers to its cookie first, as to a login: `loggedIn` gets that. */
  constructor(
    open: OpenSocket,
    private readonly clock: Clock,
    private readonly listener: ChannelListener,
    loggedIn: Answered,
  ) {
    this.heard = this.spoke = clock.now();
    this.sent.push({ line: '', done: loggedIn, fence: null, answer: null });
    this.stopWatch = clock.after(OPENING, () => this.close());
    this.socket = open({
      opened: () => {
        this.isOpen = true;
        this.hear();
        this.stopWatch();
        this.watch();
        this.pump();
      },
      received: (text) => this.received(text),
      closed: (code) => this.ended(goodbyeOf(code)),
    });
  }

  /**
   * Sends a line, and tells its answer. `mayBeUnknown`: a user typed it, and it may have an answer that this client
   * does not know; a ping behind it tells where its answer ends.
   */
  request(line: string, done: Answered, mayBeUnknown = false): void {
    if (this.isClosed) return done(failed('not-connected'));
    if (this.queued + line.length > MOST_QUEUED) return done(failed('too-many-waiting'));
    this.queued += line.length;
    const fence = mayBeUnknown ? `fence-${++this.fences}` : null;
    this.queue.push({ line, done, fence, answer: null });
    this.pump();
  }

  /** There is a reason to doubt the connection: the machine slept, or its network changed. */
  doubt(): void {
    if (this.isClosed || !this.isOpen) return;
    const before = this.messages;
    this.ping();
    this.stopWatch();
    this.stopWatch = this.clock.after(DOUBTED, () => {
      if (this.messages === before) this.close();
      else this.watch();
    });
  }

  /** Ends the connection now, without waiting for the other side. */
  close(): void {
    this.socket.close();
    this.ended(null);
  }

  private pump(): void {
    while (this.isOpen && this.sent.length < IN_FLIGHT) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.queued -= next.line.length;
      this.sent.push(next);
      this.spoke = this.clock.now();
      this.socket.send(next.fence === null ? next.line : `${next.line}\n/ping ${next.fence}`);
    }
  }

  private ping(): void {
    this.request('/ping', () => undefined);
  }

  private hear(): void {
    this.messages++;
    this.heard = this.clock.now();
  }

  private watch(): void {
    this.stopWatch = this.clock.after(WATCH, () => {
      const now = this.clock.now();
      if (now - this.heard > DEAD) return this.close();
      if (now - this.spoke > QUIET) this.ping();
      this.watch();
    });
  }

  private received(text: string): void {
    this.hear();
    for (const line of text.split('\n')) {
      if (line !== '' && !this.isClosed) this.line(line);
    }
    if (!this.isClosed) this.listener.settled();
  }

  private line(line: string): void {
    const received = decode(line);
    switch (received.is) {
      case 'event':
        if (received.event.type === 'bye') this.bye = received.event;
        else this.listener.event(received.event);
        return;
      case 'answer':
        return this.answered(received.answer);
      case 'unknown':
        return this.unknown();
      case 'malformed':
        this.bye = { code: 'unexpected-answer', message: '' };
        return this.close();
    }
  }

  /** An event of a newer server; or the answer to a line whose answer may be unknown. */
  private unknown(): void {
    const first = this.sent[0];
    if (first !== undefined && first.fence !== null) first.answer ??= OTHER;
  }

  private answered(answer: Answer): void {
    const first = this.sent[0];
    if (first === undefined) return;
    if (first.fence !== null && !(answer.type === 'pong' && answer.token === first.fence)) {
      first.answer ??= answer;
      return;
    }
    this.sent.shift();
    tell(first, first.answer ?? answer);
    this.pump();
  }

  private ended(goodbye: string | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stopWatch();
    for (const each of [...this.sent, ...this.queue]) each.done(failed('connection-lost'));
    this.listener.closed(this.bye?.code ?? goodbye, this.bye?.message ?? '');
  }
}

function tell(waiting: Waiting, answer: Answer): void {
  if (answer.type === 'error') waiting.done({ ok: false, problem: problemOf(answer.code, answer.message) });
  else waiting.done({ ok: true, value: answer });
}
