// Asks who may write in a room.

import { t } from '../locales';
import { useStore } from './context';
import { FormDialog } from './FormDialog';

interface Props {
  readonly room: string;
  readonly to: 'everyone' | 'moderators';
}

export function PostDialog({ room, to }: Props) {
  const store = useStore();
  return (
    <FormDialog
      title={t(`post.${to}-title`, { room })}
      text={t(`post.${to}-text`)}
      submit={t(`post.${to}-do`)}
      action={() => store.actions.setPost(room, to)}
    />
  );
}
