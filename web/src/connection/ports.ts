// What the connection needs of its surroundings, so that tests can give it others: time, sockets, requests.
// Nothing here knows a page; `browser.ts` gives the real ones.

/** Time and chance. */
export interface Clock {
  /** In ms since 1970. */
  now(): number;
  /** Runs something once after `ms`. Returns how to call that off. */
  after(ms: number, run: () => void): () => void;
  /** At least 0, less than 1. */
  random(): number;
}

/** What a socket tells. Nothing comes after `closed`, which comes once, also if the socket never opened. */
export interface SocketListener {
  opened(): void;
  /** One text message: one or more lines. */
  received(text: string): void;
  /** The close code; 1006 if the connection broke. */
  closed(code: number): void;
}

export interface Socket {
  send(text: string): void;
  close(): void;
}

/** Opens a socket to `/ws`. The listener is not called before this returns. */
export type OpenSocket = (listener: SocketListener) => Socket;

/** An answer of the server's HTTP side. */
export interface HttpAnswer {
  readonly status: number;
  /** The JSON of the body; undefined if there is none. */
  readonly body: unknown;
  /** `Retry-After`, in seconds. */
  readonly retryAfter: number | null;
}

/** A request to `/session`, with cookies. Null if no answer came. */
export type RequestSession = (
  method: 'GET' | 'POST' | 'DELETE',
  body?: Readonly<Record<string, unknown>>,
) => Promise<HttpAnswer | null>;

export interface Network {
  readonly clock: Clock;
  readonly open: OpenSocket;
  readonly session: RequestSession;
}
