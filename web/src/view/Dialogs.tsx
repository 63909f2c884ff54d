// Shows the dialog that is open. While its part of the page is being loaded, a dialog in its place takes the keys; what is
// typed for the search box is kept.

import { t } from '../locales';
import { Dialog } from './Dialog';
import { dialog, type Dialog as Kind } from './ui';
import { useMore } from './part';

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
    <Dialog title={t('log.loading')} onClose={close} size={open.kind === 'switcher' ? 'top' : 'narrow'} bare>
      {open.kind === 'switcher' ? <Waiting query={open.query} /> : <span class="spinner" />}
    </Dialog>
  );
}

function Waiting({ query }: { readonly query: string }) {
  return (
    <div class="switcher-search">
      <span class="spinner" />
      <input
        data-first
        value={query}
        aria-label={t('side.jump')}
        onInput={(event) => (dialog.value = { kind: 'switcher', query: event.currentTarget.value })}
      />
    </div>
  );
}
