// An operator lets a suspended user log in again.

import { t } from '../locales';
import { useStore } from './context';
import { FormDialog } from './FormDialog';
import { UserField } from './UserField';

export function UnsuspendDialog() {
  const store = useStore();
  return (
    <FormDialog
      title={t('unsuspend.title')}
      text={t('unsuspend.text')}
      submit={t('unsuspend.do')}
      action={(field) => store.actions.unsuspend(field('user').toLowerCase())}
      done={(field) => t('unsuspend.done', { user: field('user') })}
    >
      <UserField />
    </FormDialog>
  );
}
