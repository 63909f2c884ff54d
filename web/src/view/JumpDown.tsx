// The button above the composer that goes to the newest message, with the number of those that arrived meanwhile.

import { t } from '../locales';
import type { ConversationModel } from '../store/model';
import { useStore } from './context';
import { Icon } from './Icon';

interface Props {
  readonly model: ConversationModel;
  readonly onJump: () => void;
}

export function JumpDown({ model, onJump }: Props) {
  const store = useStore();
  const count = model.newBelow.value;
  return (
    <button
      type="button"
      class={count > 0 ? 'jump-down' : 'jump-down quiet'}
      onClick={() => {
        if (model.newer.peek() === 'end') onJump();
        else void store.actions.jumpToNewest(model.id).then(onJump);
        document.querySelector<HTMLElement>('.composer textarea')?.focus();
      }}
    >
      <Icon name="down" />
      {count > 0 ? t('log.new-below', { n: count }) : t('log.to-newest')}
    </button>
  );
}
