// The line below the field: what Enter will do with the text, or why it does not.

import { t } from '../locales';
import type { Problem } from '../store/model';
import { readDraft } from '../text/compose';
import { problemText } from './problem';

export function ComposerHint({
  draft,
  problem,
}: {
  readonly draft: string;
  readonly problem: Problem | null;
}) {
  const read = readDraft(draft);
  const wrong =
    problem !== null
      ? problemText(problem)
      : read.kind === 'too-long'
        ? t('composer.too-long', { n: read.surplus })
        : null;
  if (wrong !== null) {
    return (
      <span class="composer-hint wrong" role="alert">
        {wrong}
      </span>
    );
  }
  if (read.kind === 'command') return <span class="composer-hint told">{t('composer.command')}</span>;
  if (read.kind === 'messages' && read.texts.length > 1) {
    return <span class="composer-hint told">{t('composer.lines', { n: read.texts.length })}</span>;
  }
  return (
    <span class="composer-hint">
      <b>Enter</b> {t('composer.hint-send')}, <b>Shift Enter</b> {t('composer.hint-break')}
    </span>
  );
}
