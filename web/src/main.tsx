// Starts the page: makes the store, and draws the view into the document.
import { render } from 'preact';
import { fakeStore } from '../tests/fake-store';
import { App } from './view/App';

const root = document.getElementById('app');
if (root !== null) render(<App store={fakeStore()} />, root);
