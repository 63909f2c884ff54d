// What the server tells me and has no place in a conversation.

import { formatBrief, t } from '../locales';
import type { Notice } from '../store/model';
import { Card } from './Card';
import { useStore } from './context';
import { problemText } from './problem';
import { useTell } from './useTell';

export function NoticeCard({ notice }: { readonly notice: Notice }) {
  const store = useStore();
  const tell = useTell();
  const dismiss = () => store.actions.dismiss(notice.key);
  const join = async (room: string) => {
    if (await tell(store.actions.openRoom(room))) dismiss();
  };
  switch (notice.kind) {
    case 'broadcast':
      return (
        <Card icon="megaphone" title={t('notice.broadcast', { by: notice.by })} onDismiss={dismiss}>
          <p dir="auto">{notice.text}</p>
        </Card>
      );
    case 'invited':
      return (
        <Card
          icon="userPlus"
          title={t('notice.invited', { by: notice.by, room: notice.room })}
          onDismiss={dismiss}
        >
          <div class="notice-actions">
            <button type="button" class="link-button" onClick={() => void join(notice.room)}>
              {t('invitation.join', { room: notice.room })}
            </button>
          </div>
        </Card>
      );
    case 'removed-from-room':
      return (
        <Card
          icon="warning"
          problem
          title={t(notice.action === 'ban' ? 'notice.banned' : 'notice.removed', { room: notice.room })}
          onDismiss={dismiss}
        >
          {notice.until !== null && (
            <p>{t('problem.until', { time: formatBrief(new Date(notice.until)) })}</p>
          )}
          {notice.reason !== '' && <p>{t('event.reason', { reason: notice.reason })}</p>}
        </Card>
      );
    case 'room-lost':
      return (
        <Card icon="warning" problem title={t('notice.lost', { room: notice.room })} onDismiss={dismiss}>
          <p>{problemText(notice.problem)}</p>
        </Card>
      );
    case 'problem':
      return (
        <Card icon="warning" problem title={t('notice.problem')} onDismiss={dismiss}>
          <p>{problemText(notice.problem)}</p>
        </Card>
      );
  }
}
