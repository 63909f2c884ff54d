// Shows the dialog that is open. While its part of the page is being loaded an empty dialog takes the keys.

import { t } from '../locales';
import { Dialog } from './Dialog';
import { dialog, type Dialog as Kind } from './ui';
import { useMore } from './useMore';

export function Dialogs() {
  const open = dialog.value;
  return open && <Opened key={open.kind} open={open} />;
}

function Opened({ open }: { readonly open: Kind }) {
  const close = () => {
    dialog.value = null;
  };
  const more = useMore(close);
  if (more) return <more.OpenedDialog open={open} />;
  return (
    <Dialog title={t('log.loading')} onClose={close} bare>
      <span class="spinner" />
    </Dialog>
  );
}
