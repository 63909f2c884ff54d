// What the page gives to its store: the line to the hub, local storage, time, and what the browser tells of focus and
// network.
import workerUrl from './worker?sharedworker&url';
import type { FromHub, Port, ToHub } from './connection/messages';
import type { Surroundings } from './store/core';
import type { Connection } from './store/model';
import { whenDrawn } from './drawn';
import { portOf } from './port';
import type { Storage } from './store/keep';

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL(url: string): string;
  };
}

/** The address of the worker, and no other, may be run as a script. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  const policy = trustedTypes?.createPolicy('parlor', {
    createScriptURL: (asked) => {
      if (asked !== workerUrl) throw new TypeError('Not the worker');
      return asked;
    },
  });
  return policy?.createScriptURL(url) ?? url;
}

/** A line to a hub in this page, which is the script of the worker. Another tab takes the session over then. */
function localPort(onFailure: () => void): MessagePort {
  const { port1, port2 } = new MessageChannel();
  import(/* @vite-ignore */ workerUrl).then(
    () => dispatchEvent(new MessageEvent('connect', { ports: [port2] })),
    onFailure,
  );
  return port1;
}

/** Holds a lock for as long as the page lives, and gives its name: so the worker learns when the page is gone. */
function holdLock(): Promise<string> {
  const name = `parlor-tab-${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    void navigator.locks.request(name, () => {
      resolve(name);
      return new Promise(() => undefined);
    });
  });
}

type LogIn = Extract<ToHub, { readonly do: 'log-in' }>;

/** States that only a hub reaches that the browser lets connect. */
const CONNECTED: ReadonlySet<Connection['state']> = new Set(['behind', 'live', 'taken-over', 'refused']);

/** A line to the hub of this browser: in the worker that all tabs share, or else in this page. */
function connect(onFailure: () => void): Port<FromHub, ToHub> {
  let heard: (message: FromHub) => void = () => undefined;
  let port: Port<FromHub, ToHub> | null = null;
  const early: ToHub[] = [];
  let answers = false;
  let isInWorker = false;
  /** What the door asked, and is not answered. */
  let asked: LogIn | null = null;
  const begin = (messages: MessagePort, lock: string | null) => {
    const opened: Port<FromHub, ToHub> = portOf(messages);
    port = opened;
    const move = () => {
      if (opened !== port || !isInWorker) return;
      isInWorker = false;
      opened.post({ do: 'detach' });
      if (asked !== null) early.push(asked);
      begin(localPort(onFailure), null);
    };
    opened.listen((message) => {
      if (opened !== port) return;
      answers = true;
      const isAsked = message.tell === 'answer' && message.n === asked?.n;
      const hear = () => {
        if (isAsked) asked = null;
        heard(message);
      };
      const cutOff = isInWorker && (isAsked || message.tell === 'connection') && isCutOff(message);
      if (!isAsked || !cutOff) hear();
      if (message.tell === 'connection') isInWorker &&= !CONNECTED.has(message.connection.state);
      // Browsers let a page connect in spite of a certificate that its user accepted, but no worker.
      if (cutOff) fetch('/session').then(move, () => isAsked && hear());
    });
    opened.post({ do: 'attach', lock });
    for (const message of early.splice(0)) opened.post(message);
  };
  if (typeof SharedWorker === 'undefined') {
    begin(localPort(onFailure), null);
  } else {
    const worker = new SharedWorker(trusted(workerUrl), { type: 'module', name: 'parlor' });
    worker.addEventListener('error', () => {
      if (!answers) begin(localPort(onFailure), null);
    });
    void holdLock().then((lock) => {
      isInWorker = true;
      begin(worker.port, lock);
    });
  }
  return {
    post: (message) => {
      if (message.do === 'log-in') asked = message;
      if (port === null) early.push(message);
      else port.post(message);
    },
    listen: (listener) => (heard = listener),
  };
}

/** Whether the hub could not reach the server, as far as this message tells. */
function isCutOff(message: FromHub): boolean {
  if (message.tell === 'connection') return message.connection.state === 'waiting';
  return message.tell === 'answer' && !message.outcome.ok && message.outcome.problem.code === 'not-connected';
}

const storage: Storage = {
  get: (key: string): string | null => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set: (key: string, value: string | null): void => {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // The storage is full or forbidden: the value is not kept.
    }
  },
  watch: (changed) => addEventListener('storage', () => changed()),
};

/** `onFailure` is called if there can be no hub. */
export function surroundings(onFailure: () => void): Surroundings {
  const port = connect(onFailure);
  const visible = () => document.visibilityState === 'visible';
  const after = (ms: number, run: () => void) => void setTimeout(run, ms);
  const looked = () => {
    if (!visible()) return;
    port.post({ do: 'focus' });
    port.post({ do: 'check' });
  };
  addEventListener('focus', () => port.post({ do: 'focus' }));
  addEventListener('online', () => port.post({ do: 'check' }));
  document.addEventListener('visibilitychange', looked);
  return {
    port,
    storage,
    now: Date.now,
    after,
    whenDrawn: (run) => whenDrawn({ visible, frame: requestAnimationFrame, after }, run),
    visible,
    newKey: () => crypto.randomUUID(),
  };
}
