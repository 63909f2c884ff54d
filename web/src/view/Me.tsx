// Me, at the foot of the side bar: whether I am connected, and the menu of what concerns me.

import { t } from '../locales';
import { Avatar } from './Avatar';
import { useMe, useStore } from './context';
import { Menu } from './Menu';

export function Me() {
  const store = useStore();
  const me = useMe();
  const { state } = store.connection.value;
  const live = state === 'live';
  return (
    <div class="me">
      <Avatar name={me} size="small" />
      <div class="me-name truncate">
        <div class="truncate">{me}</div>
        <div class={live ? 'me-state live' : 'me-state'}>
          {live ? t('me.connected') : state === 'behind' ? t('me.behind') : t('me.not-connected')}
        </div>
      </div>
      <Menu label={t('me.menu')} list={(more, frame) => <more.MyMenu frame={frame} />} />
    </div>
  );
}
