// The edge of what is loaded: more is coming, or loading it failed.

import { t } from '../locales';
import type { Edge } from '../store/model';

interface Props {
  readonly edge: Edge;
  readonly onRetry: () => void;
}

export function EdgeRow({ edge, onRetry }: Props) {
  return (
    <div class="edge-row">
      {edge === 'failed' ? (
        <>
          <span>{t('log.load-failed')}</span>
          <button type="button" class="link-button" onClick={onRetry}>
            {t('try-again')}
          </button>
        </>
      ) : (
        <>
          <span class="spinner" aria-hidden="true" />
          <span>{t('log.loading')}</span>
        </>
      )}
    </div>
  );
}
