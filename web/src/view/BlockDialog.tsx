// Asks whether a user shall be blocked.

import { t } from '../locales';
import { useStore } from './context';
import { FormDialog } from './FormDialog';

export function BlockDialog({ user }: { readonly user: string }) {
  const store = useStore();
  return (
    <FormDialog
      title={t('block.title', { user })}
      text={t('block.text', { user })}
      submit={t('block.do', { user })}
      danger
      action={() => store.actions.block(user)}
    />
  );
}
