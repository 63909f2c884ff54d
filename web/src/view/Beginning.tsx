// What stands at the beginning of a conversation: what it is, and what one can do first.

import { t } from '../locales';
import type { ConversationModel } from '../store/model';
import { Avatar } from './Avatar';
import { useMe, useStore } from './context';
import { copyAndTell } from './copy';
import { Icon, type IconName } from './Icon';
import { LOBBY, mayInvite, moderates } from './rights';
import { dialog } from './ui';

export function Beginning({ model }: { readonly model: ConversationModel }) {
  const me = useMe();
  const isEmpty = !model.rows.value.some((row) => row.kind === 'message');
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
        <p>
          {t('beginning.feed', { user: model.name })}
          {isEmpty && ` ${t('beginning.feed-empty')}`}
        </p>
      </div>
    );
  }
  return <RoomBeginning model={model} isEmpty={isEmpty} />;
}

interface RoomProps {
  readonly model: ConversationModel;
  /** Whether nothing was said yet. */
  readonly isEmpty: boolean;
}

function RoomBeginning({ model, isEmpty }: RoomProps) {
  const isOperator = useStore().isOperator.value;
  const isPrivate = model.info.value?.access === 'private';
  return (
    <div class="beginning">
      <span class="beginning-sign" aria-hidden="true">
        {isPrivate ? <Icon name="lock" /> : '#'}
      </span>
      <h3>{t('beginning.room', { room: model.name })}</h3>
      <p>{roomText(model, isOperator)}</p>
      {isEmpty && model.name !== LOBBY && mayWrite(model) && <p>{t('beginning.empty')}</p>}
      <div class="beginning-actions">
        {model.name === LOBBY ? (
          <LobbyActions isAlone={isAlone(model)} isOperator={isOperator} />
        ) : (
          <RoomActions model={model} isEmpty={isEmpty} />
        )}
      </div>
    </div>
  );
}

function isAlone(model: ConversationModel): boolean {
  return model.memberCount.value === 1;
}

function mayWrite(model: ConversationModel): boolean {
  return model.info.value?.post !== 'moderators' || moderates(model.role.value);
}

/** Who may be here, and what to do about being alone. */
function roomText(model: ConversationModel, isOperator: boolean): string {
  const isLobby = model.name === LOBBY;
  const isPrivate = model.info.value?.access === 'private';
  const who = t(isLobby ? 'beginning.lobby' : isPrivate ? 'beginning.private' : 'beginning.public');
  if (!isAlone(model)) return who;
  return `${who} ${t(isLobby && !isOperator ? 'beginning.alone-lobby' : 'beginning.alone')}`;
}

interface LobbyProps {
  readonly isAlone: boolean;
  readonly isOperator: boolean;
}

/** The first user learns how others come in. */
function LobbyActions({ isAlone, isOperator }: LobbyProps) {
  return (
    <>
      {isAlone && isOperator && (
        <Action
          icon="userPlus"
          label={t('invitations.title')}
          onClick={() => (dialog.value = { kind: 'invitations' })}
        />
      )}
      {isAlone && !isOperator && (
        <Action
          icon="copy"
          label={t('beginning.copy')}
          onClick={() => void copyAndTell(`${location.origin}/`)}
        />
      )}
      <Action
        quiet
        icon="plus"
        label={t('side.add-room')}
        onClick={() => (dialog.value = { kind: 'switcher', query: '#' })}
      />
    </>
  );
}

function RoomActions({ model, isEmpty }: RoomProps) {
  const room = model.name;
  return (
    <>
      {mayInvite(model) && (
        <Action
          icon="userPlus"
          label={t('room.invite')}
          onClick={() => (dialog.value = { kind: 'invite', room })}
        />
      )}
      {isEmpty && model.topic.value === '' && moderates(model.role.value) && (
        <Action
          quiet
          icon="edit"
          label={t('head.add-topic')}
          onClick={() => (dialog.value = { kind: 'topic', room })}
        />
      )}
    </>
  );
}

interface ActionProps {
  readonly icon: IconName;
  readonly label: string;
  readonly quiet?: boolean;
  readonly onClick: () => void;
}

function Action({ icon, label, quiet, onClick }: ActionProps) {
  return (
    <button type="button" class={quiet === true ? 'button quiet' : 'button'} onClick={onClick}>
      <Icon name={icon} />
      {label}
    </button>
  );
}
