// The page that stands instead of the chat while the server does not want this session: taken over, suspended, refused.

import { t } from '../locales';
import type { Problem } from '../store/model';
import { useStore } from './context';
import { Mark } from './Mark';
import { doorText } from './reason';

/** `problem` is null after a takeover. */
export function Stopped({ problem }: { readonly problem: Problem | null }) {
  const store = useStore();
  const title =
    problem === null
      ? t('stopped.elsewhere')
      : problem.code === 'suspended'
        ? t('stopped.suspended')
        : t('stopped.refused');
  return (
    <main class="door">
      <div class="card" role="alert">
        <Mark class="card-mark" />
        <h1>{title}</h1>
        <p>{problem === null ? t('stopped.elsewhere-text') : doorText(problem)}</p>
        <button type="button" class="button wide" data-first onClick={() => store.actions.useHere()}>
          {problem === null ? t('stopped.use-here') : t('try-again')}
        </button>
        <p class="card-other">
          <button type="button" class="link-button" onClick={() => void store.actions.logOut()}>
            {t('me.log-out')}
          </button>
        </p>
      </div>
    </main>
  );
}
