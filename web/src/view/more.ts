// The parts that are loaded when they are wanted first: all dialogs, and the profiles of people.

export { OpenedDialog } from './OpenedDialog';
export { PersonPane } from './PersonPane';
