// An invitation into a room, with the button that follows it.

import { t } from '../locales';
import type { InvitationRow } from '../store/model';
import { useMe, useStore } from './context';
import { useTell } from './useTell';

export function Invitation({ row }: { readonly row: InvitationRow }) {
  const store = useStore();
  const me = useMe();
  const tell = useTell();
  if (row.to !== me) {
    return <p class="event">{t('invitation.sent', { user: row.to, room: row.room })}</p>;
  }
  return (
    <div class="invitation">
      <p>{t('invitation.got', { user: row.by, room: row.room })}</p>
      <button type="button" class="button" onClick={() => void tell(store.actions.openRoom(row.room))}>
        {t('invitation.join', { room: row.room })}
      </button>
    </div>
  );
}
