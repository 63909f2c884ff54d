// Asks whether a message shall be removed, and shows which one.

import { t } from '../locales';
import { nameOf } from '../protocol/target';
import type { ConversationId, MessageRow } from '../store/model';
import { authorText } from './author';
import { useStore } from './context';
import { FormDialog } from './FormDialog';
import { TextField } from './TextField';

interface Props {
  readonly conversation: ConversationId;
  readonly row: MessageRow;
}

export function RemoveDialog({ conversation, row }: Props) {
  const store = useStore();
  return (
    <FormDialog
      title={t('remove.title')}
      text={t('remove.text')}
      submit={t('remove.do')}
      danger
      action={(field) => store.actions.remove(conversation, row.id ?? 0, field('reason') || undefined)}
    >
      <blockquote class="block-quote dialog-quote clamped" aria-label={nameOf(conversation)}>
        <b>{authorText(row)}</b> <bdi>{row.text}</bdi>
      </blockquote>
      <TextField label={t('field.reason')} name="reason" hint={t('field.optional')} autofocus />
    </FormDialog>
  );
}
