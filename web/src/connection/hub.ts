// The one connection of a browser, shared by its tabs: session, connection, outbox and marks. It lives in a worker, or
// in the page where there is none. A tab keeps the conversations; the hub keeps none, it tells all tabs the same.
import type { Answer, OtherOk } from '../protocol/events';
import type { Ok } from '../protocol/replies';
import type { Connection as ConnectionState, Outcome, Session } from '../store/model';
import { Connection, type Sync } from './connection';
import { echoOf } from './echo';
import { Marks } from './marks';
import type { FromHub, HubEvent, Port, ToHub } from './messages';
import { Outbox } from './outbox';
import type { Network } from './ports';
import { DONE } from './outcome';
import { logIn, logOut, whoAmI, type Account } from './session';

/** Ms between attempts to learn who the user is. */
const ASK_AGAIN = 3_000;

export type HubPort = Port<ToHub, FromHub>;

const nothing = () => undefined;

interface Tab {
  readonly port: HubPort;
  /** What happened since the tab asked where everything stands; null once it knows. */
  waiting: HubEvent[] | null;
}

function answer(tab: Tab, n: number): (outcome: Outcome<Answer> | Outcome<undefined>) => void {
  return (outcome) => tab.port.post({ tell: 'answer', n, outcome });
}

/** Tells when a tab is gone: its lock became free. */
export type WhenFree = (lock: string, gone: () => void) => void;

export class Hub {
  private readonly tabs = new Set<Tab>();
  private readonly connection: Connection;
  private readonly outbox: Outbox;
  private readonly marks: Marks;
  private session: Session = { state: 'checking' };
  private state: ConnectionState = { state: 'offline' };
  private server = '';
  /** Who used the browser last; the outbox is theirs. */
  private lastUser: string | null = null;
  private isUp = false;
  private attention: Tab | null = null;
  /** The id in the answer that is being told, for the outbox. */
  private accepted: number | null = null;
  /** Events of the step that is going on: they reach the tabs together. */
  private batch: HubEvent[] = [];
  private steps = 0;

  constructor(
    private readonly network: Network,
    private readonly whenFree: WhenFree,
  ) {
    this.connection = new Connection(network, {
      state: (state) => {
        this.state = state;
        this.all({ tell: 'connection', connection: state });
      },
      greeted: (name) => {
        this.server = name;
        this.all({ tell: 'server', name });
      },
      loggedIn: (user) => this.isUser(user),
      up: (sync) => this.up(sync),
      down: () => {
        this.isUp = false;
        this.outbox.down();
      },
      events: (events) => this.tell(events),
      over: (problem) => this.setSession({ state: 'logged-out', problem }),
    });
    const send = (line: string, done: (outcome: Outcome<Answer>) => void) => this.request(line, done);
    this.outbox = new Outbox(network.clock, {
      send,
      changed: (item) => this.tell([{ type: 'item', item }]),
      gone: (item) => this.tell([{ type: 'gone', item, id: this.accepted }]),
    });
    this.marks = new Marks(network.clock, send);
    void this.begin();
  }

  /** Serves a tab from now on. */
  serve(port: HubPort): void {
    const tab: Tab = { port, waiting: [] };
    port.listen((message) => this.heard(tab, message));
  }

  private async begin(): Promise<void> {
    const { user, problem } = await whoAmI(this.network.session);
    if (this.session.state !== 'checking') return;
    if (user !== null) this.logged(user);
    else if (problem === null || problem.code === 'suspended')
      this.setSession({ state: 'logged-out', problem });
    else {
      this.all({ tell: 'connection', connection: { state: 'waiting', seconds: ASK_AGAIN / 1000, problem } });
      this.network.clock.after(ASK_AGAIN, () => void this.begin());
    }
  }

  private setSession(session: Session): void {
    this.session = session;
    this.all({ tell: 'session', session });
  }

  private logged(user: string): void {
    this.isUser(user);
    this.connection.retry();
  }

  /** This user uses the browser now. What another one left unsent is forgotten. */
  private isUser(user: string): void {
    if (this.session.state === 'logged-in' && this.session.user === user) return;
    if (this.lastUser !== null && this.lastUser !== user) this.forget();
    this.lastUser = user;
    this.setSession({ state: 'logged-in', user });
  }

  private forget(): void {
    this.outbox.clear();
    this.marks.forget();
  }

  private heard(tab: Tab, message: ToHub): void {
    switch (message.do) {
      case 'attach':
        return this.attach(tab, message.lock);
      case 'detach':
        return this.detach(tab);
      case 'focus':
        return this.call(tab);
      case 'request':
        return this.request(message.line, nothing, answer(tab, message.n), message.mayBeUnknown);
      case 'log-in':
        void this.logIn(message).then(answer(tab, message.n));
        return;
      case 'log-out':
        void this.logOut().then(answer(tab, message.n));
        return;
      case 'retry':
        return this.connection.retry();
      case 'check':
        return this.connection.check();
      case 'send':
        return message.items.forEach((item) => this.outbox.add(item, message.mayBeSent));
      case 'again':
        return this.outbox.again(message.key);
      case 'discard':
        return this.outbox.discard(message.key);
      case 'read':
        if (this.marks.note(message.target, message.id))
          this.tell([{ type: 'read', target: message.target, id: message.id }]);
    }
  }

  private attach(tab: Tab, lock: string | null): void {
    // While there was no tab, a page may have logged in by itself.
    if (this.tabs.size === 0 && this.session.state === 'logged-out') {
      this.session = { state: 'checking' };
      void this.begin();
    }
    this.tabs.add(tab);
    if (lock !== null) this.whenFree(lock, () => this.detach(tab));
    tab.port.post({ tell: 'server', name: this.server });
    // A page that comes from another hub goes on showing what it does.
    if (this.session.state !== 'checking') tab.port.post({ tell: 'session', session: this.session });
    tab.port.post({ tell: 'connection', connection: this.state });
    this.call(tab);
    if (this.isUp) this.askStand([tab]);
  }

  /** Tells tabs where everything stands now: those that came later, for example. */
  private askStand(tabs: Iterable<Tab>): void {
    this.marks.flush();
    const { noted } = this.marks;
    this.connection.request('/sync', (outcome) => {
      const sync = outcome.ok && outcome.value.type === 'sync' ? outcome.value : null;
      for (const tab of tabs) {
        if (!this.tabs.has(tab)) continue;
        if (sync !== null) this.tellStand(tab, sync);
        else if (this.isUp) this.network.clock.after(ASK_AGAIN, () => this.askStand([tab]));
      }
      // What is unread was counted without the marks of the meantime.
      if (sync !== null && this.marks.noted !== noted) this.askStand(tabs);
    });
  }

  private tellStand(tab: Tab, sync: Sync): void {
    const marks = this.marks.all().map((mark): HubEvent => ({ type: 'read', ...mark }));
    const events = [...marks, ...(tab.waiting ?? [])];
    tab.waiting = null;
    tab.port.post({ tell: 'stand', stand: { sync, outbox: this.outbox.items } });
    if (events.length > 0) tab.port.post({ tell: 'events', events });
  }

  private detach(tab: Tab): void {
    this.tabs.delete(tab);
    if (this.attention !== tab) return;
    this.attention = null;
    const other = [...this.tabs].at(-1);
    if (other !== undefined) this.call(other);
  }

  /** This tab calls for attention from now on, and no other. */
  private call(tab: Tab): void {
    if (this.attention === tab) return;
    this.attention?.port.post({ tell: 'attention', yours: false });
    this.attention = tab;
    tab.port.post({ tell: 'attention', yours: true });
  }

  private up(sync: Sync): void {
    this.isUp = true;
    this.marks.stand(sync);
    for (const tab of this.tabs) {
      tab.waiting = null;
      this.tellStand(tab, sync);
    }
    this.outbox.up();
    // The server did not know these marks when it counted what is unread.
    if (this.marks.flush()) this.askStand(this.tabs);
  }

  /**
   * Sends a line. Its effects and what `done` causes reach the tabs in one step; `after` comes behind that.
   */
  private request(
    line: string,
    done: (outcome: Outcome<Answer>) => void,
    after: (outcome: Outcome<Answer>) => void = () => undefined,
    mayBeUnknown = false,
  ): void {
    this.connection.request(
      line,
      (outcome) => {
        this.together(() => {
          if (outcome.ok && outcome.value.type === 'ok') this.did(line, outcome.value);
          this.accepted = acceptedId(outcome);
          done(outcome);
          this.accepted = null;
        });
        after(outcome);
      },
      mayBeUnknown,
    );
  }

  /** Tells all tabs what I did. */
  private did(line: string, ok: Ok | OtherOk): void {
    const me = this.lastUser ?? '';
    this.tell([...echoOf(me, line, ok, this.network.clock.now()), { type: 'done', ok }]);
  }

  private together(step: () => void): void {
    this.steps++;
    step();
    this.steps--;
    this.flush();
  }

  private tell(events: readonly HubEvent[]): void {
    this.batch.push(...events);
    this.flush();
  }

  private flush(): void {
    if (this.steps > 0 || this.batch.length === 0) return;
    const events = this.batch;
    this.batch = [];
    for (const tab of this.tabs) {
      if (tab.waiting === null) tab.port.post({ tell: 'events', events });
      else tab.waiting.push(...events);
    }
  }

  private all(message: FromHub): void {
    for (const tab of this.tabs) tab.port.post(message);
  }

  private async logIn(account: Account & { readonly goesOn?: true }): Promise<Outcome<undefined>> {
    const outcome = await logIn(this.network.session, account);
    if (!outcome.ok) return outcome;
    if (!account.goesOn) this.logged(outcome.value);
    return DONE;
  }

  private async logOut(): Promise<Outcome<undefined>> {
    const outcome = await logOut(this.network.session);
    if (!outcome.ok) return outcome;
    this.connection.stop();
    this.forget();
    this.setSession({ state: 'logged-out', problem: null });
    return DONE;
  }
}

/** The number of the entry that a line made. */
function acceptedId(outcome: Outcome<Answer>): number | null {
  if (!outcome.ok || outcome.value.type !== 'ok') return null;
  return 'id' in outcome.value && typeof outcome.value.id === 'number' ? outcome.value.id : null;
}
