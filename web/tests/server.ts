// A model of a Parlor server with one user who is watched: logs with epochs, and connections that deliver replies in
// their order and events in the order of their log, mixed in any way that the protocol allows.
import type { Entry } from '../src/protocol/entries';
import type { HttpAnswer, Network, Socket, SocketListener } from '../src/connection/ports';
import type { TestClock } from './clock';
import { Connected } from './server-connection';
import { ME, partner, present, unreadOf, wire, type ServerLog, type Wire } from './server-log';

const PAGE = 50;

export class Server {
  readonly rooms = new Map<string, ServerLog>();
  readonly feeds = new Map<string, ServerLog>();
  readonly inbox: ServerLog = { epoch: 'i0', entries: [], read: 0, keys: new Map() };
  readonly directReads = new Map<string, number>();
  readonly remembered = new Set<string>();
  private connected: Connected | null = null;
  hasTicket = true;
  isReachable = true;
  storeAway = false;
  /** The next accepted message is not answered: the connection breaks before. */
  breakAfterCommit = false;
  /** Remembered rooms that cannot be entered. */
  readonly lost: { readonly room: string; readonly code: string }[] = [];
  /** Texts that are refused. */
  readonly refused = new Set<string>();
  /** Every line that was carried out. */
  readonly heard: string[] = [];
  connections = 0;
  private epochs = 0;

  constructor(
    readonly clock: TestClock,
    readonly random: () => number,
  ) {
    this.addRoom('lobby');
  }

  get network(): Network {
    return {
      clock: this.clock,
      open: (listener) => this.connect(listener),
      session: (method, body) => Promise.resolve(this.session(method, body)),
    };
  }

  /** Something happens after a while that the network decides. */
  later(run: () => void): void {
    this.clock.after(Math.floor(this.random() * 40), run);
  }

  addRoom(name: string, isMine = true): ServerLog {
    const log = { epoch: `e${++this.epochs}`, entries: [], read: 0, keys: new Map() };
    this.rooms.set(name, log);
    if (isMine) this.remembered.add(name);
    return log;
  }

  addFeed(user: string): void {
    this.feeds.set(user, { epoch: `e${++this.epochs}`, entries: [], read: 0, keys: new Map() });
  }

  private session(method: string, body?: Wire): HttpAnswer | null {
    if (!this.isReachable) return null;
    const answer = (status: number, json?: Wire): HttpAnswer => ({ status, body: json, retryAfter: null });
    if (method === 'DELETE') {
      this.hasTicket = false;
      return answer(204);
    }
    if (method === 'POST') {
      if (body?.['password'] !== 'right')
        return answer(401, { code: 'bad-credentials', message: 'Unknown user or wrong password' });
      this.hasTicket = true;
      return answer(200, { user: ME });
    }
    return this.hasTicket ? answer(200, { user: ME }) : answer(401, { code: 'login-required', message: '' });
  }

  private connect(listener: SocketListener): Socket {
    this.connections++;
    const connected = new Connected(this, listener);
    this.later(() => {
      if (!this.isReachable || connected.isClosed) return connected.close(1006);
      this.connected?.close(4001, 'logged-in-elsewhere');
      this.connected = connected;
      listener.opened();
      listener.received('{"type":"hello","protocol":"parlor/1","server":"den"}\n');
      if (!this.hasTicket) return;
      connected.isLoggedIn = true;
      connected.open.add('lobby');
      const { epoch, entries } = this.log('lobby');
      connected.reply({ type: 'ok', command: 'login', user: ME, room: 'lobby', epoch, last: entries.length });
    });
    return {
      send: (text) => connected.take(text),
      close: () => {
        connected.isClosed = true;
        if (this.connected === connected) this.connected = null;
      },
    };
  }

  drop(code = 1006, bye?: string): void {
    this.connected?.close(code, bye);
    this.connected = null;
  }

  log(room: string): ServerLog {
    const log = this.rooms.get(room);
    if (log === undefined) throw new Error(`no room ${room}`);
    return log;
  }

  /** The store comes back empty, or as it was before its newest entries. */
  renumber(log: ServerLog, keep: number): void {
    log.epoch = `e${++this.epochs}`;
    log.entries = log.entries.slice(0, keep);
    log.read = Math.min(log.read, keep);
    if (log === this.inbox) this.directReads.clear();
    for (const [key, { id }] of log.keys) if (id > keep) log.keys.delete(key);
  }

  /** Somebody else did something in a room. */
  inRoom(room: string, make: (id: number, time: number) => Entry): void {
    const entry = this.append(this.log(room), make);
    if (this.connected?.open.has(room) === true) this.connected.event(room, wire(entry, room));
  }

  publish(user: string, text: string): void {
    const log = this.feeds.get(user);
    if (log === undefined) throw new Error(`no feed ${user}`);
    const entry = this.append(log, (id, time) => ({ type: 'publication', id, time, from: user, text }));
    this.connected?.event(`+${user}`, wire(entry));
  }

  direct(from: string, text: string): void {
    const entry = this.append(this.inbox, (id, time) => ({ type: 'direct', id, time, from, to: ME, text }));
    this.connected?.event('@', wire(entry));
  }

  /** Somebody lets me enter a room. */
  invite(from: string, room: string): void {
    const entry = this.append(this.inbox, (id, time) => ({ type: 'invited', id, time, from, room }));
    this.connected?.event('@', wire(entry));
  }

  /** An event that is in no log. */
  tell(line: Wire): void {
    this.connected?.event('', line);
  }

  presence(room: string, user: string, came: boolean): void {
    if (this.connected?.open.has(room) === true)
      this.connected.event(room, { type: came ? 'joined' : 'left', room, user });
  }

  private append(log: ServerLog, make: (id: number, time: number) => Entry): Entry {
    const entry = make(log.entries.length + 1, this.clock.now());
    log.entries.push(entry);
    return entry;
  }

  execute(from: Connected, whole: string): void {
    this.heard.push(whole);
    if (!from.isLoggedIn)
      return from.reply({ type: 'error', code: 'login-required', message: '', command: 'x' });
    const once = /^\/once (\S+) (.*)$/u.exec(whole);
    const line = once?.[2] ?? whole;
    const words = line.split(' ');
    const word = (words[0] ?? '').slice(1);
    const error = (code: string) => from.reply({ type: 'error', code, message: code, command: word });
    if (word === 'ping') return from.reply({ type: 'pong', token: words[1] ?? null });
    if (this.storeAway) return error('store-unavailable');
    switch (word) {
      case 'say':
      case 'msg':
        return this.said(from, once?.[1] ?? null, word, words[1] ?? '', words.slice(2).join(' '));
      case 'sync':
        return this.sync(from);
      case 'backlog':
        return this.backlog(from, words.slice(1));
      case 'read':
        return this.readUpTo(from, words[1] ?? '', Number(words[2]));
      case 'who':
        return from.reply({ type: 'users', room: words[1], users: [ME, 'bob'] });
      case 'room': {
        const rights = { topic: '', access: 'public', post: 'everyone', owner: 'bob', moderators: [] };
        return from.reply({ type: 'room', room: words[1], ...rights, role: 'member', created: null });
      }
      case 'open': {
        const room = words[1] ?? '';
        if (from.open.has(room)) return error('already-in-room');
        const log = this.rooms.get(room) ?? this.addRoom(room);
        from.gate(room);
        from.open.add(room);
        this.remembered.add(room);
        const stand = { epoch: log.epoch, last: log.entries.length, topic: '' };
        return from.reply({ type: 'ok', command: 'open', room, members: 1, ...stand });
      }
      case 'close': {
        const room = words[1] ?? '';
        if (!from.open.delete(room)) return error('not-in-room');
        this.remembered.delete(room);
        return from.reply({ type: 'ok', command: 'close', room, current: 'lobby' });
      }
      default:
        return error('unknown-command');
    }
  }

  private said(from: Connected, key: string | null, how: string, name: string, text: string): void {
    const refuse = (code: string) => from.reply({ type: 'error', code, message: code, command: how });
    const isRoom = how === 'say';
    if (isRoom && !from.open.has(name)) return refuse('not-in-room');
    if (this.refused.has(text)) return refuse('muted');
    const log = isRoom ? this.log(name) : this.inbox;
    const known = key === null ? undefined : log.keys.get(key);
    if (known !== undefined) return from.reply({ ...known, repeated: true });
    const entry = this.append(log, (id, time) =>
      isRoom
        ? { type: 'message', id, time, from: ME, text }
        : { type: 'direct', id, time, from: ME, to: name, text },
    );
    if (isRoom) log.read = entry.id;
    else this.directReads.set(name, entry.id);
    const ok = isRoom ? { command: 'message', room: name } : { command: 'msg', user: name };
    const reply = { type: 'ok', ...ok, id: entry.id };
    if (key !== null) log.keys.set(key, reply);
    if (this.breakAfterCommit) {
      this.breakAfterCommit = false;
      return this.drop();
    }
    from.reply(reply);
  }

  private sync(from: Connected): void {
    const rooms = [...this.remembered].map((room) => {
      const log = this.log(room);
      if (!from.open.has(room)) {
        from.gate(room);
        from.open.add(room);
      }
      const unread = unreadOf(log.entries, log.read);
      const last = log.entries.length;
      return { room, members: 2, topic: '', role: 'member', epoch: log.epoch, last, read: log.read, unread };
    });
    const names = new Set(this.inbox.entries.map(partner));
    const directs = [...names].map((user) => {
      const theirs = this.inbox.entries.filter((entry) => partner(entry) === user);
      const read = this.directReads.get(user) ?? 0;
      return { user, last: theirs.at(-1)?.id ?? 0, read, unread: unreadOf(theirs, read) };
    });
    const feeds = [...this.feeds].map(([user, log]) => {
      const unread = unreadOf(log.entries, log.read);
      return { user, epoch: log.epoch, last: log.entries.length, read: log.read, unread };
    });
    const inbox = { epoch: this.inbox.epoch, last: this.inbox.entries.length };
    from.reply({ type: 'sync', current: 'lobby', rooms, directs, feeds, inbox, lost: this.lost });
  }

  private backlog(from: Connected, words: readonly string[]): void {
    const [target = '', where, at] = words;
    const name = target.slice(1);
    if (target.startsWith('#') && !from.open.has(name))
      return from.reply({ type: 'error', code: 'not-in-room', message: '', command: 'backlog' });
    const log = this.logOf(target);
    const all = target.startsWith('@') ? log.entries.filter((entry) => partner(entry) === name) : log.entries;
    const isPaged = where === 'before' || where === 'after';
    const count = Number((isPaged ? words[3] : words[1]) ?? PAGE);
    const side = !isPaged
      ? all
      : all.filter((entry) => (where === 'before' ? entry.id < Number(at) : entry.id > Number(at)));
    // A page may end early.
    const most = Math.max(1, Math.floor(count * (this.random() < 0.2 ? 0.3 : 1)));
    const page = where === 'after' ? side.slice(0, most) : side.slice(-most);
    const entries = page.map((entry) => wire(present(entry, log.entries)));
    from.reply({ type: 'backlog', target, epoch: log.epoch, entries, more: page.length < side.length });
  }

  private readUpTo(from: Connected, target: string, id: number): void {
    const log = this.logOf(target);
    if (id > log.entries.length)
      return from.reply({ type: 'error', code: 'bad-argument', message: '', command: 'read' });
    if (target.startsWith('@')) {
      const name = target.slice(1);
      this.directReads.set(name, Math.max(this.directReads.get(name) ?? 0, id));
    } else {
      log.read = Math.max(log.read, id);
    }
    from.reply({ type: 'ok', command: 'read', target, id });
  }

  logOf(target: string): ServerLog {
    if (target.startsWith('#')) return this.log(target.slice(1));
    const feed = this.feeds.get(target.slice(1));
    return target.startsWith('+') && feed !== undefined ? feed : this.inbox;
  }
}
