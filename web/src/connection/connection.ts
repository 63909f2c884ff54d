// Keeps a connection for a user who has a ticket: connects, tells where everything stands, comes back after every
// end with growing pauses, and stops where only the user can decide. It does not know what is done with events.
//
// One attempt: open the socket; the server greets (`hello`), and answers to the cookie as to a login; then `/sync`.
// Events that come before the answer to `/sync` are told after it, since only then it is known which numbering
// their ids belong to.
import type { Answer, AnswerOf, ServerEvent } from '../protocol/events';
import type { Connection as State, Outcome, Problem } from '../store/model';
import { pauseAfter } from './backoff';
import { Channel, type Answered } from './channel';
import { aftermathOf } from './goodbye';
import type { Network } from './ports';
import { failed } from './outcome';
import { problemOf } from './problem';
import { whoAmI } from './session';

export type Sync = AnswerOf<'sync'>;

/** Refusals of a login that only the user, or an operator, can end. */
const FINAL = new Set(['already-logged-in', 'suspended']);
/** Refusals of a login that say that there is no ticket. */
const NO_TICKET = new Set(['login-required', 'bad-credentials', 'no-such-user']);

/** Ms after which a connection counts as a success, so that the next pause is short again. */
const STABLE = 10_000;
/** Ms in which a connection that the server sent away may be back before anybody is told that it was gone. */
const UNNOTICED = 3_000;

export interface ConnectionListener {
  state(state: State): void;
  /** The name of the server. */
  greeted(server: string): void;
  /** Whose ticket it was. */
  loggedIn(user: string): void;
  /** The connection is live. Everything before is void, except what the logs hold. */
  up(sync: Sync): void;
  /** The connection is gone; another one may follow. Told once for each `up`. */
  down(): void;
  events(events: readonly ServerEvent[]): void;
  /** The ticket is void: somebody has to log in. */
  over(problem: Problem | null): void;
}

export class Connection {
  private channel: Channel | null = null;
  private isLive = false;
  /** The server asked to connect again: it goes down in peace, and another one may take over. */
  private moves = false;
  /** The state of the attempt to move, which nobody is told yet; null if none is kept back. */
  private keptBack: State | null = null;
  private tellSoon: () => void = () => undefined;
  /** Waits for the next attempt. */
  private waits = false;
  private failures = 0;
  private liveSince = 0;
  private problem: Problem | null = null;
  private stopWaiting: () => void = () => undefined;
  /** Counts what was begun, so that late answers of an earlier attempt have no effect. */
  private turn = 0;
  private events: ServerEvent[] = [];

  constructor(
    private readonly network: Network,
    private readonly listener: ConnectionListener,
  ) {}

  /** Connects now, whatever was before. */
  connect(): void {
    const turn = ++this.turn;
    this.drop();
    const state: State = { state: 'connecting', attempt: this.failures + 1 };
    if (this.moves) this.keepBack(state);
    else this.tell(state);
    this.moves = false;
    const current = () => turn === this.turn;
    const channel = new Channel(
      this.network.open,
      this.network.clock,
      {
        event: (event) => this.event(event),
        settled: () => this.flush(),
        closed: (goodbye, message) => {
          if (current()) this.closed(goodbye, message);
        },
      },
      (outcome) => {
        if (current()) this.loggedIn(outcome);
      },
    );
    this.channel = channel;
    channel.request('/sync', (outcome) => {
      if (current()) this.synced(outcome);
    });
  }

  /** Ends the connection, and does not come back by itself. */
  stop(): void {
    this.turn++;
    this.drop();
    this.tell({ state: 'offline' });
  }

  /** The user asks for a new attempt now. */
  retry(): void {
    this.failures = 0;
    this.connect();
  }

  /** The network is back, or the machine woke up: tries at once, or makes sure that the connection still lives. */
  check(): void {
    if (this.waits) this.connect();
    else this.channel?.doubt();
  }

  request(line: string, done: Answered, mayBeUnknown = false): void {
    if (this.channel === null || !this.isLive) done(failed('not-connected'));
    else this.channel.request(line, done, mayBeUnknown);
  }

  private tell(state: State): void {
    this.tellSoon();
    this.keptBack = null;
    this.listener.state(state);
  }

  /** Who is asked to move is told of the attempt only if it takes long, or fails. */
  private keepBack(state: State): void {
    this.tellSoon();
    this.keptBack = state;
    this.tellSoon = this.network.clock.after(UNNOTICED, () => {
      if (this.keptBack !== null) this.tell(this.keptBack);
    });
  }

  private drop(): void {
    this.stopWaiting();
    this.waits = false;
    const channel = this.channel;
    this.channel = null;
    channel?.close();
    this.lost();
  }

  private lost(): void {
    this.events = [];
    if (!this.isLive) return;
    this.isLive = false;
    if (this.network.clock.now() - this.liveSince >= STABLE) this.failures = 0;
    this.listener.down();
  }

  private event(event: ServerEvent): void {
    if (event.type === 'hello') this.listener.greeted(event.server);
    else if (event.type === 'reconnect') this.moves = true;
    else this.events.push(event);
  }

  private flush(): void {
    if (!this.isLive || this.events.length === 0) return;
    const events = this.events;
    this.events = [];
    this.listener.events(events);
  }

  private loggedIn(outcome: Outcome<Answer>): void {
    if (outcome.ok) {
      const { value } = outcome;
      if (value.type === 'ok' && value.command === 'login') this.listener.loggedIn(value.user);
      if (this.keptBack === null) this.tell({ state: 'behind' });
      else this.keptBack = { state: 'behind' };
      return;
    }
    const { problem } = outcome;
    if (problem.code === 'connection-lost') return;
    this.problem = problem;
    if (NO_TICKET.has(problem.code)) void this.inquire();
    else if (FINAL.has(problem.code)) this.refused(problem);
    else this.pause(problem.seconds);
  }

  private synced(outcome: Outcome<Answer>): void {
    if (outcome.ok && outcome.value.type === 'sync') {
      this.problem = null;
      this.isLive = true;
      this.liveSince = this.network.clock.now();
      this.listener.up(outcome.value);
      this.tell({ state: 'live' });
      this.flush();
    } else if (!outcome.ok && outcome.problem.code !== 'connection-lost') {
      this.problem = outcome.problem;
      this.pause();
    }
  }

  private closed(goodbye: string | null, message: string): void {
    const opened = this.isLive;
    this.channel = null;
    this.lost();
    if (goodbye !== null) this.problem = problemOf(goodbye, message);
    const aftermath = aftermathOf(goodbye);
    if (aftermath === 'taken-over') {
      this.turn++;
      this.tell({ state: 'taken-over' });
    } else if (aftermath === 'retry' && opened && this.moves) {
      this.connect();
    } else if (aftermath === 'retry' && opened) {
      this.pause();
    } else {
      void this.inquire();
    }
  }

  /** Asks whether the ticket is still good, which decides what to do. */
  private async inquire(): Promise<void> {
    const turn = ++this.turn;
    this.drop();
    const { user, problem: unknown } = await whoAmI(this.network.session);
    if (turn !== this.turn) return;
    // It tells until when, and why, which a goodbye does not.
    if (unknown?.code === 'suspended') this.problem = unknown;
    const { problem } = this;
    if (user === null && unknown === null) {
      this.tell({ state: 'offline' });
      this.listener.over(problem !== null && NO_TICKET.has(problem.code) ? null : problem);
    } else if (problem !== null && aftermathOf(problem.code) === 'refused') {
      this.refused(problem);
    } else {
      this.pause();
    }
  }

  private refused(problem: Problem): void {
    this.turn++;
    this.drop();
    this.tell({ state: 'refused', problem });
  }

  /** Waits before the next attempt, and counts the seconds down. */
  private pause(atLeast = 0): void {
    this.turn++;
    this.drop();
    this.waits = true;
    const pause = pauseAfter(this.failures++, this.network.clock.random());
    this.count(Math.max(atLeast, pause));
  }

  private count(seconds: number): void {
    if (seconds <= 0) return this.connect();
    this.tell({ state: 'waiting', seconds, problem: this.problem });
    this.stopWaiting = this.network.clock.after(1000, () => this.count(seconds - 1));
  }
}
