// The hooks of a room, for its moderators: makes the address by which a program writes here, and ends hooks of both kinds.

import { useState } from 'preact/hooks';

import { t } from '../locales';
import type { Hook } from '../store/model';
import { useStore } from './context';
import { Dialog } from './Dialog';
import { closeDialog, FormDialog } from './FormDialog';
import { HookAddress } from './HookAddress';
import { HookForm } from './HookForm';
import { HookList } from './HookList';

export function HooksDialog({ room }: { readonly room: string }) {
  const [made, setMade] = useState<string | null>(null);
  const [ending, setEnding] = useState<Hook | null>(null);
  if (ending !== null) {
    return <EndDialog key="end" room={room} hook={ending} onClose={() => setEnding(null)} />;
  }
  return (
    <Dialog key="all" title={t('hooks.title', { room })} onClose={closeDialog} size="wide">
      <p>{t('hooks.text')}</p>
      {made === null ? (
        <HookForm room={room} onMade={setMade} />
      ) : (
        <HookAddress address={made} onMore={() => setMade(null)} />
      )}
      <h3>{t('hooks.list')}</h3>
      <HookList key={made} room={room} onEnd={setEnding} />
    </Dialog>
  );
}

interface EndProps {
  readonly room: string;
  readonly hook: Hook;
  readonly onClose: () => void;
}

function EndDialog({ room, hook, onClose }: EndProps) {
  const store = useStore();
  const { label, url } = hook;
  return (
    <FormDialog
      title={url === undefined ? t('hooks.end-title', { label }) : t('hooks.outgoing-end-title')}
      text={url === undefined ? t('hooks.end-text') : t('hooks.outgoing-end-text', { url })}
      submit={t('hooks.end-do')}
      danger
      action={() => store.actions.endHook(room, hook.id)}
      onClose={onClose}
    />
  );
}
