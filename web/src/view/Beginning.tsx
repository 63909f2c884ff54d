// What stands at the beginning of a conversation: what it is, and what one can do first.

import { t } from '../locales';
import type { ConversationModel } from '../store/model';
import { Avatar } from './Avatar';
import { useMe } from './context';
import { Icon } from './Icon';
import { LOBBY, mayInvite } from './rights';
import { dialog } from './ui';
import { say } from './useTell';

export function Beginning({ model }: { readonly model: ConversationModel }) {
  const me = useMe();
  if (model.kind === 'direct') {
    return (
      <div class="beginning">
        <Avatar name={model.name} size="large" />
        <h3>{model.name}</h3>
        <p>{model.name === me ? t('beginning.self') : t('beginning.direct', { user: model.name })}</p>
      </div>
    );
  }
  if (model.kind === 'feed') {
    return (
      <div class="beginning">
        <span class="beginning-sign" aria-hidden="true">
          <Icon name="feed" />
        </span>
        <h3>{model.name}</h3>
        <p>{t('beginning.feed', { user: model.name })}</p>
      </div>
    );
  }
  return <RoomBeginning model={model} />;
}

function RoomBeginning({ model }: { readonly model: ConversationModel }) {
  const info = model.info.value;
  const lobby = model.name === LOBBY;
  const alone = model.memberCount.value === 1;
  const isPrivate = info?.access === 'private';
  return (
    <div class="beginning">
      <span class="beginning-sign" aria-hidden="true">
        {isPrivate ? <Icon name="lock" /> : '#'}
      </span>
      <h3>{t('beginning.room', { room: model.name })}</h3>
      <p>
        {lobby ? t('beginning.lobby') : isPrivate ? t('beginning.private') : t('beginning.public')}
        {alone && ` ${lobby ? t('beginning.alone-lobby') : t('beginning.alone')}`}
      </p>
      <div class="beginning-actions">
        {mayInvite(model) && (
          <button
            type="button"
            class="button"
            onClick={() => (dialog.value = { kind: 'invite', room: model.name })}
          >
            <Icon name="userPlus" />
            {t('room.invite')}
          </button>
        )}
        {lobby && alone && <CopyAddress />}
        {lobby && (
          <button
            type="button"
            class="button quiet"
            onClick={() => (dialog.value = { kind: 'switcher', query: '#' })}
          >
            <Icon name="plus" />
            {t('side.add-room')}
          </button>
        )}
      </div>
    </div>
  );
}

/** The first user learns how others come in. */
function CopyAddress() {
  const copy = async () => {
    await navigator.clipboard.writeText(`${location.origin}/`);
    say({ problem: null, text: t('copied') });
  };
  return (
    <button type="button" class="button" onClick={() => void copy()}>
      <Icon name="copy" />
      {t('beginning.copy')}
    </button>
  );
}
