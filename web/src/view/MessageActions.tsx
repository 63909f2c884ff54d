// The small bar at a message that the pointer or the keyboard is on.

import { t } from '../locales';
import type { ConversationModel, MessageRow } from '../store/model';
import { IconButton } from './IconButton';
import { Menu } from './Menu';
import { moderates } from './rights';
import { dialog, editing, insertion } from './ui';

interface Props {
  readonly row: MessageRow;
  readonly model: ConversationModel;
}

export function MessageActions({ row, model }: Props) {
  const inLog = row.id !== null;
  const changeable = inLog && model.kind === 'room';
  const writable = model.kind !== 'feed';
  return (
    <div class="actions" role="group" aria-label={t('message.actions')}>
      {inLog && writable && (
        <IconButton
          icon="quote"
          label={t('message.quote')}
          onClick={() => (insertion.value = `> ${row.text}\n`)}
        />
      )}
      {changeable && row.isMine && (
        <IconButton icon="edit" label={t('message.edit')} onClick={() => (editing.value = row.key)} />
      )}
      {changeable && (row.isMine || moderates(model.role.value)) && (
        <IconButton
          icon="trash"
          label={t('message.remove')}
          onClick={() => (dialog.value = { kind: 'remove', conversation: model.id, row })}
        />
      )}
      <Menu label={t('message.more')} list={(more, frame) => <more.MessageMenu frame={frame} row={row} />} />
    </div>
  );
}
