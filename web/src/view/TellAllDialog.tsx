// Asks for a text for many: for those who follow me, or as an operator for everybody.

import { useEffect, useId } from 'preact/hooks';

import { t } from '../locales';
import { useStore } from './context';
import { FormDialog } from './FormDialog';

export function TellAllDialog({ kind }: { readonly kind: 'publish' | 'broadcast' }) {
  const store = useStore();
  const id = useId();
  useEffect(() => void store.actions.loadPeople(), []);
  const followers = store.followers.value;
  return (
    <FormDialog
      title={t(`${kind}.title`)}
      text={t(`${kind}.text`)}
      submit={t(`${kind}.do`)}
      action={(field) => store.actions[kind](field('text').replace(/\s*\n\s*/g, ' '))}
      done={() => t(`${kind}.done`)}
    >
      {kind === 'publish' && followers !== null && (
        <p class="note">{t('publish.followers', { n: followers.length })}</p>
      )}
      <div class="field">
        <label class="field-label" for={id}>
          {t('text.label')}
        </label>
        <textarea id={id} class="input" name="text" dir="auto" required data-first />
      </div>
    </FormDialog>
  );
}
