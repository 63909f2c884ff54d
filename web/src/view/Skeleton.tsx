// Stands where messages will be, until the first page is loaded.

import { t } from '../locales';

export function Skeleton() {
  return (
    <div class="skeleton">
      <span class="visually-hidden">{t('log.loading')}</span>
      {[1, 2, 3, 4, 5, 6].map((line) => (
        <div key={line} class="skeleton-line" aria-hidden="true" />
      ))}
    </div>
  );
}
