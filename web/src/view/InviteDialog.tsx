// Asks whom to invite into a room.

import { t } from '../locales';
import { targetOf } from '../protocol/target';
import { useStore } from './context';
import { FormDialog } from './FormDialog';
import { UserField } from './UserField';

export function InviteDialog({ room }: { readonly room: string }) {
  const store = useStore();
  const members = store.conversation(targetOf('room', room))?.members.value ?? [];
  const inside = new Set(members.map((member) => member.user));
  return (
    <FormDialog
      title={t('invite.title', { room })}
      text={t('invite.text')}
      submit={t('invite.do')}
      action={(field) => store.actions.invite(room, field('user').toLowerCase())}
      done={(field) => t('invite.done', { user: field('user') })}
    >
      <UserField without={inside} />
    </FormDialog>
  );
}
