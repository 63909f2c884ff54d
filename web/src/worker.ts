// The shared worker: one hub for all tabs of a browser.
import { network, whenFree } from './connection/browser';
import { Hub } from './connection/hub';
import { portOf } from './port';

const hub = new Hub(network, whenFree);

addEventListener('connect', (event) => {
  for (const port of (event as MessageEvent).ports) hub.serve(portOf(port));
});
