// Asks whom to write to, or whom to follow.

import { t } from '../locales';
import { useStore } from './context';
import { FormDialog } from './FormDialog';
import { UserField } from './UserField';

export function PersonDialog({ purpose }: { readonly purpose: 'direct' | 'follow' }) {
  const { actions, following } = useStore();
  return (
    <FormDialog
      title={t(`person.${purpose}-title`)}
      text={t(`person.${purpose}-text`)}
      submit={t(`person.${purpose}-do`)}
      action={(field) =>
        actions[purpose === 'direct' ? 'openDirect' : 'followUser'](field('user').toLowerCase())
      }
    >
      <UserField {...(purpose === 'follow' && { without: new Set(following.value) })} />
    </FormDialog>
  );
}
