// Starts the page: makes the store, and draws the view into the document.
import { render } from 'preact';
import { surroundings } from './page';
import { createStore } from './store/store';
import { App } from './view/App';
import { isBroken } from './view/part';

const root = document.getElementById('app');
const store = createStore(surroundings(() => (isBroken.value = true)));
if (root !== null) render(<App store={store} />, root);
