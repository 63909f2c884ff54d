// The page with the store in memory, for looking at it without a server: `npm run dev`, then /tests/preview.html.
// The store is `window.store`, the state of the view `window.ui`, so that a script can bring about any state.
import { render } from 'preact';
import { App } from '../src/view/App';
import * as ui from '../src/view/ui';
import { messageRow, type FakeStore } from './fake-models';
import { fakeStore } from './fake-store';

declare global {
  interface Window {
    store: FakeStore;
    messageRow: typeof messageRow;
    ui: typeof ui;
  }
}

const store = fakeStore();
window.store = store;
window.messageRow = messageRow;
window.ui = ui;
const root = document.getElementById('app');
if (root) render(<App store={store} />, root);
