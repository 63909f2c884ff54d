// What a conversation in front needs: its messages, the place to write, the pane beside them, and what is read aloud.

import './frontIcons';

export { Announcer } from './Announcer';
export { Conversation } from './Conversation';
export { Pane } from './Pane';
