// The parts that are loaded when they are wanted first: all dialogs, the profiles of people, the box to edit a message.

export { EditBox } from './EditBox';
export { OpenedDialog } from './OpenedDialog';
export { PersonPane } from './PersonPane';
