// The menu of what concerns me: my sessions, my settings, and what operators may do.

import { t } from '../locales';
import { useStore } from './context';
import type { MenuFrame } from './Menu';
import { MenuList, type MenuItem } from './MenuList';
import { dialog } from './ui';

export function MyMenu({ frame }: { readonly frame: MenuFrame }) {
  const store = useStore();
  const operator: MenuItem[] = store.isOperator.value
    ? [
        {
          label: t('invitations.title'),
          icon: 'userPlus',
          action: () => (dialog.value = { kind: 'invitations' }),
        },
        { label: t('me.broadcast'), icon: 'megaphone', action: () => (dialog.value = { kind: 'broadcast' }) },
        {
          label: t('me.suspend'),
          icon: 'block',
          action: () => (dialog.value = { kind: 'suspend', user: '' }),
        },
        { label: t('me.unsuspend'), icon: 'check', action: () => (dialog.value = { kind: 'unsuspend' }) },
      ]
    : [];
  return (
    <MenuList
      frame={frame}
      groups={[
        [
          { label: t('me.publish'), icon: 'feed', action: () => (dialog.value = { kind: 'publish' }) },
          { label: t('sessions.title'), icon: 'lock', action: () => (dialog.value = { kind: 'sessions' }) },
          {
            label: t('settings.title'),
            icon: 'settings',
            action: () => (dialog.value = { kind: 'settings' }),
          },
          {
            label: t('shortcuts.title'),
            icon: 'help',
            action: () => (dialog.value = { kind: 'shortcuts' }),
          },
        ],
        operator,
        [{ label: t('me.log-out'), icon: 'logout', action: () => void store.actions.logOut() }],
      ]}
    />
  );
}
