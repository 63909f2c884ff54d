// A member in the pane of a room, with a menu if there is something that I may do to them.

import { formatBrief, t } from '../locales';
import type { ConversationModel, Member } from '../store/model';
import { Avatar } from './Avatar';
import { Menu } from './Menu';
import { actsOn } from './rights';
import { openProfile } from './ui';

interface Props {
  readonly member: Member;
  readonly model: ConversationModel;
}

export function MemberRow({ member, model }: Props) {
  const { user } = member;
  return (
    <li class="member">
      <button type="button" class="member-name" title={user} onClick={() => openProfile(user)}>
        <Avatar name={user} size="small" />
        <span class="truncate">{user}</span>
        <Detail member={member} />
      </button>
      {actsOn(member, model.role.value, model.name).length > 0 && (
        <Menu
          label={t('act.menu', { user })}
          list={(more, frame) => <more.MemberMenu frame={frame} member={member} model={model} />}
        />
      )}
    </li>
  );
}

function Detail({ member }: { readonly member: Member }) {
  const { role, mutedUntil, isMe } = member;
  const words: string[] = [];
  if (isMe) words.push(t('role.you'));
  if (role !== null) words.push(t(`role.${role}`));
  if (mutedUntil === 'for-ever') words.push(t('role.muted'));
  else if (mutedUntil !== null)
    words.push(t('role.muted-until', { time: formatBrief(new Date(mutedUntil)) }));
  return words.length > 0 ? <span class="detail">{words.join(', ')}</span> : null;
}
