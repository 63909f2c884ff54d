// Asks whether a room shall become private or public.

import { t } from '../locales';
import { useStore } from './context';
import { FormDialog } from './FormDialog';

interface Props {
  readonly room: string;
  readonly to: 'public' | 'private';
}

export function AccessDialog({ room, to }: Props) {
  const store = useStore();
  return (
    <FormDialog
      title={t(`access.${to}-title`, { room })}
      text={t(`access.${to}-text`)}
      submit={t(`access.${to}-do`)}
      action={() => store.actions.setAccess(room, to)}
    />
  );
}
