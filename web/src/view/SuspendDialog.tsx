// An operator ends the session of a user and refuses their logins.

import { t } from '../locales';
import { useStore } from './context';
import { DurationField } from './DurationField';
import { FormDialog } from './FormDialog';
import { TextField } from './TextField';
import { UserField } from './UserField';

export function SuspendDialog({ user }: { readonly user: string }) {
  const store = useStore();
  return (
    <FormDialog
      title={t('suspend.title')}
      text={t('suspend.text')}
      submit={t('suspend.do')}
      danger
      action={(field) =>
        store.actions.suspend(
          field('user').toLowerCase(),
          field('duration') || undefined,
          field('reason') || undefined,
        )
      }
      done={(field) => t('suspend.done', { user: field('user') })}
    >
      <UserField value={user} />
      <DurationField chosen="1d" />
      <TextField label={t('field.reason-user')} name="reason" hint={t('field.optional')} />
    </FormDialog>
  );
}
