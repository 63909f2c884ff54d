// What the page offers to whom.
import { describe, expect, it } from 'vitest';
import type { Member, Role } from '../store/model';
import { actsOn } from './rights';

const member = (role: Member['role'], changes: Partial<Member> = {}): Member => ({
  user: 'bob',
  isMe: false,
  role,
  mutedUntil: null,
  ...changes,
});

describe('the actions on a member', () => {
  it.each<[Role, Member['role'], string[]]>([
    ['member', null, []],
    ['moderator', null, ['mute', 'kick', 'ban']],
    ['moderator', 'moderator', []],
    ['moderator', 'owner', []],
    ['owner', 'moderator', ['mute', 'kick', 'ban', 'unmoderator', 'owner']],
    ['operator', 'owner', ['mute', 'kick', 'ban', 'moderator', 'owner']],
  ])('of a %s on a member whose role is %s', (mine, theirs, acts) => {
    expect(actsOn(member(theirs), mine, 'garden')).toEqual(acts);
  });

  it('end a mute, and never concern oneself', () => {
    expect(actsOn(member(null, { mutedUntil: 'for-ever' }), 'moderator', 'garden')[0]).toBe('unmute');
    expect(actsOn(member(null, { isMe: true }), 'operator', 'garden')).toEqual([]);
  });

  it('keep everybody in the lobby', () => {
    expect(actsOn(member(null), 'operator', 'lobby')).toEqual(['mute']);
  });
});
