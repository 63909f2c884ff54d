// Starts the page: makes the store, and draws the view into the document.
import { render } from 'preact';
import { surroundings } from './page';
import { createStore } from './store/store';
import { App } from './view/App';

const root = document.getElementById('app');
if (root !== null) render(<App store={createStore(surroundings())} />, root);
