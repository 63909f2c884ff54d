// The menu of what I may do to a member of a room.

import { t } from '../locales';
import type { ConversationModel, Member } from '../store/model';
import type { MenuFrame } from './Menu';
import { MenuList, type MenuItem } from './MenuList';
import { actsOn } from './rights';
import { dialog, openProfile, type UserAct } from './ui';

interface Props {
  readonly frame: MenuFrame;
  readonly member: Member;
  readonly model: ConversationModel;
}

/** These cannot be undone by a second click, or hurt. */
const HARSH: ReadonlySet<UserAct> = new Set<UserAct>(['kick', 'ban', 'owner']);

export function MemberMenu({ frame, member, model }: Props) {
  const { user } = member;
  const acts = actsOn(member, model.role.value, model.name).map((act) => itemOf(act, user, model.name));
  const gentle = acts.filter(({ danger }) => danger !== true);
  const harsh = acts.filter(({ danger }) => danger === true);
  return (
    <MenuList
      frame={frame}
      header={<div class="menu-header truncate">{user}</div>}
      groups={[
        [{ label: t('act.profile'), icon: 'user', action: () => openProfile(user) }, ...gentle],
        harsh,
      ]}
    />
  );
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
