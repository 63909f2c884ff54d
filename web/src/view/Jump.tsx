// The buttons over the messages: up to the first one that is new since the user was away, down to the newest one, with the
// number of those that arrived meanwhile.

import { t } from '../locales';
import type { ConversationModel } from '../store/model';
import { useStore } from './context';
import { Icon } from './Icon';

interface UpProps {
  readonly onJump: () => void;
}

interface DownProps {
  readonly model: ConversationModel;
  /** Called when the newest message is held. */
  readonly onJump: () => void;
}

export function JumpUp({ onJump }: UpProps) {
  return jump('leap up', t('log.new'), onJump);
}

export function JumpDown({ model, onJump }: DownProps) {
  const store = useStore();
  const count = model.newBelow.value;
  const label = count > 0 ? t('live.many', { n: count }) : t('log.to-newest');
  return jump(count > 0 ? 'leap' : 'leap quiet', label, () => {
    if (model.newer.peek() === 'end') onJump();
    else void store.actions.jumpToNewest(model.id).then(onJump);
    document.querySelector<HTMLElement>('.composer textarea')?.focus();
  });
}

function jump(kind: string, label: string, onClick: () => void) {
  return (
    <button type="button" class={kind} onClick={onClick}>
      <Icon name="down" />
      {label}
    </button>
  );
}
