// What the server tells of rights, as the store keeps it.
import { ROLES, type Role } from '../protocol/codes';
import type { AnswerOf } from '../protocol/events';
import type { RoomInfo } from './model';

/** A role that this client does not know gives no rights. */
export function roleOf(role: string): Role {
  return ROLES.find((each) => each === role) ?? 'member';
}

/** Who may do what in a room, as the reply to `/room` tells it. */
export function infoOf(answer: AnswerOf<'room'>): RoomInfo {
  const { topic, access, post, owner, moderators, role, created } = answer;
  return {
    topic,
    access: access === 'private' ? 'private' : 'public',
    post: post === 'moderators' ? 'moderators' : 'everyone',
    owner,
    moderators,
    role: roleOf(role),
    created,
  };
}
