// The menu of a conversation, as far as its entries are open to me.

import { t } from '../locales';
import type { ConversationModel, Outcome, Store } from '../store/model';
import { useStore } from './context';
import type { MenuFrame } from './Menu';
import { MenuList, type MenuItem } from './MenuList';
import { LOBBY, mayInvite, moderates, owns } from './rights';
import { dialog, openProfile } from './ui';
import { useTell } from './useTell';

type Tell = (action: Promise<Outcome>, done?: string) => Promise<boolean>;

interface Props {
  readonly frame: MenuFrame;
  readonly model: ConversationModel;
}

export function ConversationMenu({ frame, model }: Props) {
  const store = useStore();
  const tell = useTell();
  return <MenuList frame={frame} groups={groupsOf(store, model, tell)} />;
}

function groupsOf(store: Store, model: ConversationModel, tell: Tell): readonly (readonly MenuItem[])[] {
  if (model.kind === 'room')
    return [roomItems(model), ownerItems(model), [quietItem(store, model), leaveItem(model)]];
  const profile: MenuItem = {
    label: t('person.about', { user: model.name }),
    icon: 'user',
    action: () => openProfile(model.name),
  };
  return [[profile, quietItem(store, model)], [goneItem(store, model, tell)]];
}

function roomItems(model: ConversationModel): readonly MenuItem[] {
  const room = model.name;
  const items: MenuItem[] = [];
  if (mayInvite(model)) {
    items.push({
      label: t('room.invite'),
      icon: 'userPlus',
      action: () => (dialog.value = { kind: 'invite', room }),
    });
  }
  if (moderates(model.role.value)) {
    items.push({
      label: t('room.topic'),
      icon: 'edit',
      action: () => (dialog.value = { kind: 'topic', room }),
    });
    items.push({
      label: t('room.hooks'),
      icon: 'hook',
      action: () => (dialog.value = { kind: 'hooks', room }),
    });
    if (room !== LOBBY) {
      const action = () => (dialog.value = { kind: 'user-act', room, act: 'unban', user: '' });
      items.push({ label: t('room.unban'), icon: 'check', action });
    }
  }
  return items;
}

function ownerItems(model: ConversationModel): readonly MenuItem[] {
  const info = model.info.value;
  const room = model.name;
  if (!info || !owns(model.role.value)) return [];
  const post = info.post === 'everyone' ? 'moderators' : 'everyone';
  const items: MenuItem[] = [
    {
      label: t(post === 'everyone' ? 'room.everyone' : 'room.only-moderators'),
      icon: 'message',
      action: () => (dialog.value = { kind: 'post', room, to: post }),
    },
  ];
  if (room === LOBBY) return items;
  const access = info.access === 'public' ? 'private' : 'public';
  const label = t(access === 'public' ? 'room.make-public' : 'room.make-private');
  return [
    { label, icon: 'lock', action: () => (dialog.value = { kind: 'access', room, to: access }) },
    ...items,
  ];
}

function quietItem(store: Store, model: ConversationModel): MenuItem {
  const { muted } = model.summary.value;
  const others = store.settings.value.mutedConversations.filter((id) => id !== model.id);
  return {
    label: muted ? t('room.loud') : t('room.quiet'),
    icon: muted ? 'bell' : 'bellOff',
    action: () => store.actions.setSettings({ mutedConversations: muted ? others : [...others, model.id] }),
  };
}

function leaveItem(model: ConversationModel): MenuItem {
  return {
    label: t('room.leave'),
    icon: 'logout',
    danger: true,
    action: () => (dialog.value = { kind: 'leave', room: model.name }),
  };
}

function goneItem(store: Store, model: ConversationModel, tell: Tell): MenuItem {
  if (model.kind === 'feed') {
    const action = () => void tell(store.actions.unfollowUser(model.name));
    return { label: t('person.unfollow'), icon: 'close', action };
  }
  return {
    label: t('composer.forget'),
    icon: 'close',
    action: () => void tell(store.actions.closeConversation(model.id)),
  };
}
