// The real surroundings of the connection: `WebSocket`, `fetch` and timers, as a page or a worker has them.
import type { WhenFree } from './hub';
import type { HttpAnswer, Network, OpenSocket, RequestSession } from './ports';

/** Ms after which a request counts as unanswered. */
const PATIENCE = 15_000;

const open: OpenSocket = (listener) => {
  const socket = new WebSocket(`wss://${location.host}/ws`);
  socket.addEventListener('open', () => listener.opened());
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') listener.received(data);
  });
  socket.addEventListener('close', ({ code }) => listener.closed(code));
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(),
  };
};

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

const session: RequestSession = async (method, body): Promise<HttpAnswer | null> => {
  try {
    const response = await fetch('/session', {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(PATIENCE),
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const retryAfter = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
    return {
      status: response.status,
      body: await bodyOf(response),
      retryAfter: Number.isNaN(retryAfter) ? null : retryAfter,
    };
  } catch {
    return null;
  }
};

export const network: Network = {
  clock: {
    now: Date.now,
    random: Math.random,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  },
  open,
  session,
};

/** The lock of a tab becomes free when the tab is gone, however it went. */
export const whenFree: WhenFree = (lock, gone) => void navigator.locks.request(lock, gone);
