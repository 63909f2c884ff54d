// What the user must be told and has no place in a conversation, in the corner until it is dismissed.

import { t } from '../locales';
import type { Notice } from '../store/model';
import { Card } from './Card';
import { useStore } from './context';
import { useMore } from './part';
import { problemText } from './problem';
import { told, unsay } from './useTell';

/** Older ones wait until these are dismissed. */
const SHOWN = 4;

export function Notices() {
  const store = useStore();
  const notices = store.notices.value.slice(-SHOWN);
  return (
    <div class="notices" role="region" aria-label={t('notices.label')} aria-live="polite">
      {notices.map((notice) => (
        <Told key={notice.key} notice={notice} />
      ))}
      {told.value.slice(-SHOWN).map((item) => (
        <Card
          key={item.key}
          icon={item.problem ? 'warning' : 'check'}
          problem={item.problem !== null}
          title={item.problem ? t('notice.problem') : item.text}
          onDismiss={() => unsay(item.key)}
        >
          {item.problem && <p>{problemText(item.problem)}</p>}
          {item.problem?.code === 'part-missing' && (
            <div class="notice-actions">
              <button type="button" class="button" onClick={() => location.reload()}>
                {t('reload')}
              </button>
            </div>
          )}
        </Card>
      ))}
    </div>
  );
}

/** A notice of the server, as soon as its part of the page is loaded. */
function Told({ notice }: { readonly notice: Notice }) {
  const more = useMore(() => undefined);
  return <>{more && <more.NoticeCard notice={notice} />}</>;
}
