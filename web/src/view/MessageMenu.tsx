// The menu of a message: what is wanted less often.

import { t } from '../locales';
import type { MessageRow } from '../store/model';
import { copyAndTell } from './copy';
import type { MenuFrame } from './Menu';
import { MenuList, type MenuItem } from './MenuList';
import { openProfile } from './ui';

interface Props {
  readonly frame: MenuFrame;
  readonly row: MessageRow;
}

export function MessageMenu({ frame, row }: Props) {
  const items: MenuItem[] = [
    { label: t('message.copy'), icon: 'copy', action: () => void copyAndTell(row.text) },
  ];
  if (!row.isBot) {
    const action = () => openProfile(row.author);
    items.push({ label: t('message.profile', { user: row.author }), icon: 'user', action });
  }
  return <MenuList frame={frame} groups={[items]} />;
}
