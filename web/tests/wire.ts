// A server by hand: what a client sends is noted, what it receives is written in the test.
import type { HttpAnswer, Network, Socket, SocketListener } from '../src/connection/ports';
import { TestClock } from './clock';

/** One socket that was opened. */
export class TestSocket implements Socket {
  readonly lines: string[] = [];
  isClosed = false;

  constructor(readonly listener: SocketListener) {}

  send(text: string): void {
    this.lines.push(...text.split('\n'));
  }

  close(): void {
    this.isClosed = true;
  }

  receive(...lines: readonly object[]): void {
    this.listener.received(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}

export class TestNetwork implements Network {
  readonly sockets: TestSocket[] = [];
  readonly requests: string[] = [];
  /** What `/session` answers. */
  answer: HttpAnswer | null = { status: 200, body: { user: 'alice' }, retryAfter: null };

  constructor(readonly clock = new TestClock()) {}

  open = (listener: SocketListener): Socket => {
    const socket = new TestSocket(listener);
    this.sockets.push(socket);
    return socket;
  };

  session = (method: string, body?: object): Promise<HttpAnswer | null> => {
    this.requests.push(body === undefined ? method : `${method} ${JSON.stringify(body)}`);
    return Promise.resolve(this.answer);
  };

  get socket(): TestSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nothing was opened');
    return socket;
  }

  /** The socket opens, and the server knows the ticket. */
  greet(): void {
    this.socket.listener.opened();
    this.socket.receive(HELLO, LOGIN);
  }
}

export const HELLO = { type: 'hello', protocol: 'parlor/1', server: 'den' };
export const LOGIN = { type: 'ok', command: 'login', user: 'alice', room: 'lobby', epoch: 'e1', last: 3 };
export const SYNC = {
  type: 'sync',
  current: 'lobby',
  rooms: [{ room: 'lobby', members: 1, topic: '', role: 'member', epoch: 'e1', last: 3, read: 3, unread: 0 }],
  directs: [],
  feeds: [],
  inbox: { epoch: 'i1', last: 0 },
  lost: [],
};
