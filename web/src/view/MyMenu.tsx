// Me, at the foot of the side bar: whether I am connected, and the menu of what concerns me.

import { t } from '../locales';
import { Avatar } from './Avatar';
import { useMe, useStore } from './context';
import { Menu, type MenuItem } from './Menu';
import { dialog } from './ui';

export function MyMenu() {
  const store = useStore();
  const me = useMe();
  const state = store.connection.value.state;
  const live = state === 'live';
  const operator: MenuItem[] = store.isOperator.value
    ? [
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
    <div class="me">
      <Avatar name={me} size="small" />
      <div class="me-name truncate">
        <div class="truncate">{me}</div>
        <div class={live ? 'me-state live' : 'me-state'}>
          {live ? t('me.connected') : state === 'behind' ? t('me.behind') : t('me.not-connected')}
        </div>
      </div>
      <Menu
        icon="more"
        label={t('me.menu')}
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
    </div>
  );
}
