// What a conversation in front needs: its messages, the place to write, and the pane beside them.

export { Conversation } from './Conversation';
export { Pane } from './Pane';
