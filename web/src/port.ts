// A `MessagePort` as one end of a line between a tab and the hub.
import type { Port } from './connection/messages';

/** What a port carries is written by this client alone, so its type is not checked again. */
export function portOf<In, Out>(port: MessagePort): Port<In, Out> {
  return {
    post: (message) => port.postMessage(message),
    listen: (listener) => {
      port.onmessage = ({ data }: MessageEvent<In>) => listener(data);
    },
  };
}
