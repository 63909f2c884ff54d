// The closed vocabularies of the protocol: refusals, goodbyes, roles, what moderators do.
// A test compares them with the lists that the server's own tests write.

/** Why the server refuses a line. */
export const REFUSALS = [
  'line-too-long',
  'invalid-utf8',
  'bad-argument',
  'bad-name',
  'password-too-long',
  'password-too-short',
  'unknown-command',
  'leading-space',
  'login-required',
  'login-timeout',
  'bad-credentials',
  'bad-invitation',
  'too-many-attempts',
  'name-taken',
  'name-reserved',
  'registration-closed',
  'already-logged-in',
  'takeover-loop',
  'already-authenticated',
  'already-in-room',
  'not-in-room',
  'in-lobby',
  'no-such-room',
  'no-such-user',
  'already-subscribed',
  'self-subscription',
  'not-subscribed',
  'blocked',
  'invite-only',
  'banned',
  'muted',
  'suspended',
  'not-allowed',
  'no-such-message',
  'too-late',
  'user-offline',
  'forbidden',
  'limit-reached',
  'store-unavailable',
] as const;

/** Why the server ends a connection. */
export const GOODBYES = [
  'quit',
  'logged-in-elsewhere',
  'login-timeout',
  'too-many-failures',
  'slow-consumer',
  'server-shutdown',
  'kicked',
  'idle-timeout',
  'suspended',
  'logged-out',
] as const;

/** What I may do in a room. */
export const ROLES = ['member', 'moderator', 'owner', 'operator'] as const;

export type RefusalCode = (typeof REFUSALS)[number];
export type ByeCode = (typeof GOODBYES)[number];
export type Role = (typeof ROLES)[number];

/** What moderators do: the names of their commands. */
export const ACTIONS = [
  'access',
  'post',
  'retention',
  'invite',
  'kick',
  'ban',
  'unban',
  'mute',
  'unmute',
  'moderator',
  'unmoderator',
  'owner',
] as const;

export type Action = (typeof ACTIONS)[number];
