// Asks for the topic of a room.

import { t } from '../locales';
import { targetOf } from '../protocol/target';
import { useStore } from './context';
import { FormDialog } from './FormDialog';
import { TextField } from './TextField';

const LONGEST_TOPIC = 400;

export function TopicDialog({ room }: { readonly room: string }) {
  const store = useStore();
  const topic = store.conversation(targetOf('room', room))?.topic.peek();
  return (
    <FormDialog
      title={t('topic.title', { room })}
      submit={t('save')}
      action={(field) => store.actions.setTopic(room, field('topic'))}
    >
      <TextField
        label={t('topic.label')}
        name="topic"
        value={topic}
        hint={t('topic.hint')}
        maxLength={LONGEST_TOPIC}
        autofocus
      />
    </FormDialog>
  );
}
