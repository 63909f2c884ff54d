// The menu of a message: what is wanted less often.

import { t } from '../locales';
import type { MessageRow } from '../store/model';
import type { MenuFrame } from './Menu';
import { MenuList, type MenuItem } from './MenuList';
import { openProfile } from './ui';
import { say } from './useTell';

interface Props {
  readonly frame: MenuFrame;
  readonly row: MessageRow;
}

export function MessageMenu({ frame, row }: Props) {
  const items: readonly MenuItem[] = [
    { label: t('message.copy'), icon: 'copy', action: () => void copy(row.text) },
    {
      label: t('message.profile', { user: row.author }),
      icon: 'user',
      action: () => openProfile(row.author),
    },
  ];
  return <MenuList frame={frame} groups={[items]} />;
}

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  say({ problem: null, text: t('copied') });
}
