// Help: the keys of the page, and how text is written.

import { t } from '../locales';
import { Dialog } from './Dialog';
import { closeDialog } from './FormDialog';
import { SELF_KEYS } from './keys';

export function ShortcutsDialog() {
  const { alt } = SELF_KEYS;
  const keys: readonly (readonly [string, string])[] = [
    [SELF_KEYS.switcher, t('shortcuts.switcher')],
    [SELF_KEYS.members, t('shortcuts.pane')],
    [`${alt} ↑ ↓`, t('shortcuts.step')],
    [`${alt} Shift ↑ ↓`, t('shortcuts.unread')],
    ['↑', t('shortcuts.edit')],
    ['↑ ↓', t('shortcuts.walk')],
    ['Tab', t('shortcuts.complete')],
    ['Esc', t('shortcuts.escape')],
    [SELF_KEYS.help, t('shortcuts.help')],
  ];
  const texts: readonly (readonly [string, string])[] = [
    ['**…**', t('shortcuts.bold')],
    ['*…*', t('shortcuts.italic')],
    ['~~…~~', t('shortcuts.strike')],
    ['`…`', t('shortcuts.code')],
    ['```', t('shortcuts.fence')],
    ['> …', t('shortcuts.quote')],
    ['@bob', t('shortcuts.mention')],
    ['/…', t('shortcuts.commands')],
  ];
  return (
    <Dialog title={t('shortcuts.title')} onClose={closeDialog} size="wide">
      <h3>{t('shortcuts.keys')}</h3>
      <dl class="keys">
        {keys.map(([key, text]) => (
          <Line key={key} sign={<kbd>{key}</kbd>} text={text} />
        ))}
      </dl>
      <h3>{t('shortcuts.text')}</h3>
      <dl class="keys">
        {texts.map(([sign, text]) => (
          <Line key={sign} sign={<code>{sign}</code>} text={text} />
        ))}
      </dl>
    </Dialog>
  );
}

function Line({ sign, text }: { readonly sign: preact.JSX.Element; readonly text: string }) {
  return (
    <>
      <dt>{sign}</dt>
      <dd>{text}</dd>
    </>
  );
}
