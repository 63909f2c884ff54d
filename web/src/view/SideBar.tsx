// The side bar: the name of the house, the way to everything, the lists of conversations, and me.

import { t } from '../locales';
import type { ConversationKind } from '../store/model';
import { useStore } from './context';
import { Icon } from './Icon';
import { IconButton } from './IconButton';
import { SELF_KEYS } from './keys';
import { Me } from './Me';
import { SideEntry } from './SideEntry';
import { dialog } from './ui';

export function SideBar() {
  const store = useStore();
  return (
    <nav class="side" aria-label={t('side.label')}>
      <div class="side-head">
        <h1 class="truncate">{store.serverName.value || location.hostname}</h1>
        <IconButton
          icon="settings"
          label={t('settings.title')}
          onClick={() => (dialog.value = { kind: 'settings' })}
        />
      </div>
      <button
        type="button"
        class="jump"
        aria-keyshortcuts="Control+K"
        onClick={() => (dialog.value = { kind: 'switcher', query: '' })}
      >
        <Icon name="search" />
        <span class="truncate">{t('side.jump')}</span>
        <kbd>{SELF_KEYS.switcher}</kbd>
      </button>
      <div class="side-lists">
        <Section
          kind="room"
          title={t('side.rooms')}
          add={t('side.add-room')}
          empty={t('side.no-rooms')}
          onAdd={() => (dialog.value = { kind: 'switcher', query: '#' })}
        />
        <Section
          kind="direct"
          title={t('side.people')}
          add={t('side.add-direct')}
          empty={t('side.no-people')}
          onAdd={() => (dialog.value = { kind: 'person', purpose: 'direct' })}
        />
        <Section
          kind="feed"
          title={t('side.following')}
          add={t('side.add-follow')}
          empty={t('side.no-following')}
          onAdd={() => (dialog.value = { kind: 'person', purpose: 'follow' })}
        />
      </div>
      <Me />
    </nav>
  );
}

interface SectionProps {
  readonly kind: ConversationKind;
  readonly title: string;
  readonly add: string;
  readonly empty: string;
  readonly onAdd: () => void;
}

function Section({ kind, title, add, empty, onAdd }: SectionProps) {
  const store = useStore();
  const entries = store.conversations.value.filter((entry) => entry.kind === kind);
  const shown = store.shown.value;
  return (
    <section aria-label={title}>
      <div class="side-section-head">
        <h2>{title}</h2>
        <IconButton icon="plus" label={add} onClick={onAdd} />
      </div>
      {entries.length === 0 ? (
        <p class="side-empty">{empty}</p>
      ) : (
        <ul>
          {entries.map((entry) => (
            <SideEntry key={entry.id} entry={entry} current={entry.id === shown} />
          ))}
        </ul>
      )}
    </section>
  );
}
