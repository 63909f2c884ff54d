// A member in the pane of a room, with the menu of what I may do to them.

import { formatBrief, t } from '../locales';
import type { ConversationModel, Member } from '../store/model';
import { Avatar } from './Avatar';
import { Menu, type MenuItem } from './Menu';
import { actsOn } from './rights';
import { dialog, openProfile, type UserAct } from './ui';

interface Props {
  readonly member: Member;
  readonly model: ConversationModel;
}

/** These cannot be undone by a second click, or hurt. */
const HARSH: ReadonlySet<UserAct> = new Set<UserAct>(['kick', 'ban', 'owner']);

export function MemberRow({ member, model }: Props) {
  const { user } = member;
  const acts = actsOn(member, model.role.value, model.name).map((act) => itemOf(act, user, model.name));
  const gentle = acts.filter(({ danger }) => danger !== true);
  const harsh = acts.filter(({ danger }) => danger === true);
  return (
    <li class="member">
      <button type="button" class="member-name" title={user} onClick={() => openProfile(user)}>
        <Avatar name={user} size="small" />
        <span class="truncate">{user}</span>
        <Detail member={member} />
      </button>
      {acts.length > 0 && (
        <Menu
          icon="more"
          label={t('act.menu', { user })}
          header={<div class="menu-header truncate">{user}</div>}
          groups={[
            [{ label: t('act.profile'), icon: 'user', action: () => openProfile(user) }, ...gentle],
            harsh,
          ]}
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

const ICONS = {
  mute: 'bellOff',
  unmute: 'bell',
  kick: 'logout',
  ban: 'block',
  unban: 'check',
  moderator: 'userPlus',
  unmoderator: 'user',
  owner: 'members',
} as const;

function itemOf(act: UserAct, user: string, room: string): MenuItem {
  return {
    label: t(`act.${act}`),
    icon: ICONS[act],
    danger: HARSH.has(act),
    action: () => (dialog.value = { kind: 'user-act', room, act, user }),
  };
}
