// Asks the server what an invitation opens, before there is an account. It is loaded for those who follow an invitation.

import { decode } from '../protocol/events';

/** Ms after which the server counts as silent. */
const PATIENCE = 10_000;

/** The rooms that an invitation opens; null if it is not valid, or that cannot be learnt now. */
export function roomsOf(code: string): Promise<readonly string[] | null> {
  const { promise, resolve } = later<readonly string[] | null>();
  const socket = new WebSocket(`wss://${location.host}/ws`);
  const end = (rooms: readonly string[] | null) => {
    resolve(rooms);
    socket.close();
  };
  socket.onopen = () => socket.send(`INVITE ${code}`);
  socket.onclose = () => end(null);
  socket.onmessage = ({ data }) => {
    for (const line of String(data).split('\n').filter(Boolean)) {
      const read = decode(line);
      if (read.is !== 'answer') continue;
      const { answer } = read;
      if (answer.type === 'ok' && answer.command === 'invite' && 'rooms' in answer) end(answer.rooms);
      // The first answer is that to the missing cookie.
      else if (answer.type === 'error' && answer.code === 'bad-invitation') end(null);
    }
  };
  setTimeout(() => end(null), PATIENCE);
  return promise;
}

function later<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
