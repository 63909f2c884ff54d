// Says which actions the page offers to whom. The server judges every one of them again. Pure.

import type { ConversationModel, Member, Role } from '../store/model';
import type { UserAct } from './ui';

const RANK: Readonly<Record<Role, number>> = { member: 0, moderator: 1, owner: 2, operator: 3 };

export const LOBBY = 'lobby';

/** Whether this role may do what moderators do. */
export function moderates(role: Role): boolean {
  return RANK[role] >= RANK.moderator;
}

/** Whether this role may do what the owner does. */
export function owns(role: Role): boolean {
  return RANK[role] >= RANK.owner;
}

/** Whether I may invite into the room. */
export function mayInvite(model: ConversationModel): boolean {
  if (model.kind !== 'room' || model.name === LOBBY) return false;
  return model.info.value?.access === 'public' || moderates(model.role.value);
}

/** What somebody of this role may do to a member of the room. */
export function actsOn(member: Member, role: Role, room: string): readonly UserAct[] {
  if (member.isMe || !moderates(role)) return [];
  if (RANK[member.role ?? 'member'] >= RANK[role]) return [];
  const acts: UserAct[] = [member.mutedUntil === null ? 'mute' : 'unmute'];
  if (room !== LOBBY) acts.push('kick', 'ban');
  if (owns(role) && room !== LOBBY)
    acts.push(member.role === 'moderator' ? 'unmoderator' : 'moderator', 'owner');
  return acts;
}
