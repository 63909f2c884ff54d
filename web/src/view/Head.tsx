// The head of a conversation: what it is, what it is about, who is in it, and the menu of what can be done here.

import { formatNumber, t } from '../locales';
import type { ConversationModel } from '../store/model';
import { Icon } from './Icon';
import { IconButton } from './IconButton';
import { SELF_KEYS } from './keys';
import { Menu } from './Menu';
import { moderates } from './rights';
import { goToList } from './route';
import { dialog, pane } from './ui';

export function Head({ model }: { readonly model: ConversationModel }) {
  return (
    <header class="head">
      <IconButton icon="back" label={t('head.back')} class="only-phone" onClick={goToList} />
      <div class="head-title">
        <h2 class="truncate" title={model.name}>
          <Sigil model={model} />
          {model.name}
        </h2>
        <About model={model} />
      </div>
      <PaneButton model={model} />
      <Menu
        label={t('head.menu')}
        list={(more, frame) => <more.ConversationMenu frame={frame} model={model} />}
      />
    </header>
  );
}

function Sigil({ model }: { readonly model: ConversationModel }) {
  if (model.kind === 'direct') return <span class="sigil">@ </span>;
  if (model.kind === 'feed') return <Icon name="feed" />;
  return model.summary.value.isPrivate ? (
    <>
      <Icon name="lock" />
      <span class="visually-hidden">{t('side.private')} </span>
    </>
  ) : (
    <span class="sigil"># </span>
  );
}

/** The topic of a room, or what else this conversation is. */
function About({ model }: { readonly model: ConversationModel }) {
  const topic = model.topic.value;
  if (model.kind !== 'room') {
    const text = model.kind === 'direct' ? t('head.direct') : t('head.feed', { user: model.name });
    return <span class="topic truncate">{text}</span>;
  }
  const edit = () => (dialog.value = { kind: 'topic', room: model.name });
  const moderator = moderates(model.role.value);
  if (topic === '' && !moderator) return <span class="topic" />;
  if (!moderator) {
    return (
      <span class="topic truncate" title={topic} dir="auto">
        {topic}
      </span>
    );
  }
  return (
    <button type="button" class="topic truncate" title={topic || undefined} onClick={edit}>
      {topic === '' ? t('head.add-topic') : <bdi>{topic}</bdi>}
      <span class="visually-hidden"> {t('room.topic')}</span>
    </button>
  );
}

/** Opens and closes the pane; in a room it shows how many members there are. */
function PaneButton({ model }: { readonly model: ConversationModel }) {
  const open = pane.value !== null;
  const count = model.memberCount.value;
  const label =
    model.kind !== 'room'
      ? t('person.about', { user: model.name })
      : count === null
        ? t('room.about')
        : t('head.members', { n: count });
  return (
    <button
      type="button"
      class="icon-button count"
      aria-pressed={open}
      aria-label={label}
      title={`${label} (${SELF_KEYS.members})`}
      onClick={() => (pane.value = open ? null : { kind: 'room' })}
    >
      <Icon name={model.kind === 'room' ? 'members' : 'user'} />
      {count !== null && <span aria-hidden="true">{formatNumber(count)}</span>}
    </button>
  );
}
