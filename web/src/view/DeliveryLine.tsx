// Under one's own message that is not in the log: why, and what one can do.

import { t } from '../locales';
import type { ConversationModel, MessageRow } from '../store/model';
import { useStore } from './context';
import { problemText } from './problem';

interface Props {
  readonly row: MessageRow;
  readonly model: ConversationModel;
}

export function DeliveryLine({ row, model }: Props) {
  const store = useStore();
  const { delivery, sendKey } = row;
  if (delivery.state === 'accepted') return null;
  if (delivery.state === 'waiting' || sendKey === null) {
    return <span class="visually-hidden">{t('message.sending')}</span>;
  }
  const refused = delivery.state === 'refused';
  const reason = problemText(delivery.problem);
  return (
    <div class={refused ? 'state failed' : 'state'}>
      <span>{t(refused ? 'message.refused' : 'message.stalled', { reason })}</span>
      <button type="button" class="link-button" onClick={() => store.actions.sendAgain(model.id, sendKey)}>
        {t(refused ? 'message.again' : 'message.now')}
      </button>
      <button type="button" class="link-button" onClick={() => store.actions.discard(model.id, sendKey)}>
        {t('message.discard')}
      </button>
    </div>
  );
}
