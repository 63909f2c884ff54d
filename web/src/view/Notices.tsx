// What the user must be told and has no place in a conversation, in the corner until it is dismissed.

import type { ComponentChildren } from 'preact';

import { t } from '../locales';
import type { Notice } from '../store/model';
import { useStore } from './context';
import { Icon, type IconName } from './Icon';
import { IconButton } from './IconButton';
import { problemText } from './problem';
import { told, unsay, useTell } from './useTell';

/** Older ones wait until these are dismissed. */
const SHOWN = 4;

export function Notices() {
  const store = useStore();
  const notices = store.notices.value.slice(-SHOWN);
  return (
    <div class="notices" role="region" aria-label={t('notices.label')} aria-live="polite">
      {notices.map((notice) => (
        <NoticeCard key={notice.key} notice={notice} />
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
        </Card>
      ))}
    </div>
  );
}

function NoticeCard({ notice }: { readonly notice: Notice }) {
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
        <Card icon="warning" problem title={t('notice.removed', { room: notice.room })} onDismiss={dismiss}>
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

interface CardProps {
  readonly icon: IconName;
  readonly title: string;
  readonly problem?: boolean;
  readonly onDismiss: () => void;
  readonly children?: ComponentChildren;
}

function Card({ icon, title, problem, onDismiss, children }: CardProps) {
  return (
    <div class={problem === true ? 'notice problem' : 'notice'}>
      <Icon name={icon} />
      <div>
        <p class="notice-title">{title}</p>
        {children}
      </div>
      <IconButton icon="close" label={t('notice.dismiss')} onClick={onDismiss} />
    </div>
  );
}
