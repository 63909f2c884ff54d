// The dialog that is open, whichever it is.

import { AccessDialog } from './AccessDialog';
import { AnswerDialog } from './AnswerDialog';
import { BlockDialog } from './BlockDialog';
import { HooksDialog } from './HooksDialog';
import { InvitationsDialog } from './InvitationsDialog';
import { InviteDialog } from './InviteDialog';
import { LeaveDialog } from './LeaveDialog';
import { PersonDialog } from './PersonDialog';
import { PostDialog } from './PostDialog';
import { RemoveDialog } from './RemoveDialog';
import { SessionsDialog } from './SessionsDialog';
import { SettingsDialog } from './SettingsDialog';
import { ShortcutsDialog } from './ShortcutsDialog';
import { SuspendDialog } from './SuspendDialog';
import { Switcher } from './Switcher';
import { TellAllDialog } from './TellAllDialog';
import { TopicDialog } from './TopicDialog';
import type { Dialog } from './ui';
import { UnsuspendDialog } from './UnsuspendDialog';
import { UserActDialog } from './UserActDialog';

export function OpenedDialog({ open }: { readonly open: Dialog }) {
  switch (open.kind) {
    case 'switcher':
      return <Switcher query={open.query} />;
    case 'person':
      return <PersonDialog purpose={open.purpose} />;
    case 'settings':
      return <SettingsDialog />;
    case 'sessions':
      return <SessionsDialog />;
    case 'shortcuts':
      return <ShortcutsDialog />;
    case 'publish':
    case 'broadcast':
      return <TellAllDialog kind={open.kind} />;
    case 'suspend':
      return <SuspendDialog user={open.user} />;
    case 'unsuspend':
      return <UnsuspendDialog />;
    case 'invitations':
      return <InvitationsDialog />;
    case 'invite':
      return <InviteDialog room={open.room} />;
    case 'topic':
      return <TopicDialog room={open.room} />;
    case 'hooks':
      return <HooksDialog room={open.room} />;
    case 'access':
      return <AccessDialog room={open.room} to={open.to} />;
    case 'post':
      return <PostDialog room={open.room} to={open.to} />;
    case 'user-act':
      return <UserActDialog room={open.room} act={open.act} user={open.user} />;
    case 'leave':
      return <LeaveDialog room={open.room} />;
    case 'remove':
      return <RemoveDialog conversation={open.conversation} row={open.row} />;
    case 'block':
      return <BlockDialog user={open.user} />;
    case 'answer':
      return <AnswerDialog line={open.line} answer={open.answer} />;
  }
}
