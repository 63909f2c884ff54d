// Completion in the composer, loaded when something is typed that can be completed.

export { Completer } from './completer';
export { Completion } from './Completion';
