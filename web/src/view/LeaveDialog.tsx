// Asks whether I want to leave a room.

import { t } from '../locales';
import { targetOf } from '../protocol/target';
import { useStore } from './context';
import { FormDialog } from './FormDialog';

export function LeaveDialog({ room }: { readonly room: string }) {
  const store = useStore();
  const id = targetOf('room', room);
  const isPrivate = store.conversation(id)?.info.value?.access === 'private';
  return (
    <FormDialog
      title={t('leave.title', { room })}
      text={t(isPrivate ? 'leave.text-private' : 'leave.text')}
      submit={t('leave.do')}
      danger
      action={() => store.actions.closeConversation(id)}
    />
  );
}
