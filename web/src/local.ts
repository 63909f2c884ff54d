// A hub in the page, where the browser has no shared workers. Another tab takes the session over then.
import { network, whenFree } from './connection/browser';
import { Hub } from './connection/hub';
import { portOf } from './port';

export function serveLocally(port: MessagePort): void {
  new Hub(network, whenFree).serve(portOf(port));
}
