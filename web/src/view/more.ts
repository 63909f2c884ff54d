// The parts that are loaded when they are wanted first: all menus and dialogs, the profiles of people, the box to edit a
// message.

import './frontIcons';
import './menuIcons';

export { ConversationMenu } from './ConversationMenu';
export { EditBox } from './EditBox';
export { MemberMenu } from './MemberMenu';
export { MessageMenu } from './MessageMenu';
export { MyMenu } from './MyMenu';
export { NoticeCard } from './NoticeCard';
export { OpenedDialog } from './OpenedDialog';
export { PersonPane } from './PersonPane';
