// Stands in the middle while no conversation is chosen.

import { t } from '../locales';
import { useMe } from './context';
import { Icon } from './Icon';
import { Mark } from './Mark';
import { dialog } from './ui';

export function Empty() {
  const me = useMe();
  return (
    <div class="empty">
      <Mark class="card-mark" />
      <h2>{t('empty.title', { user: me })}</h2>
      <p>{t('empty.text')}</p>
      <button type="button" class="button" onClick={() => (dialog.value = { kind: 'switcher', query: '' })}>
        <Icon name="search" />
        {t('switcher.title')}
      </button>
    </div>
  );
}
