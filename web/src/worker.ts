// The hub for all tabs of a browser, as a shared worker. Where that cannot be, a page runs this script itself, and tells it
// its port by the same event.
import { network, whenFree } from './connection/browser';
import { Hub } from './connection/hub';
import { portOf } from './port';

const hub = new Hub(network, whenFree);

addEventListener('connect', (event) => {
  for (const port of (event as MessageEvent).ports) hub.serve(portOf(port));
});
