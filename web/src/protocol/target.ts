// Targets: a conversation, written with a sigil as in the line protocol.

/** `#room`, `@user` (direct messages with this user), `+user` (what this user publishes). */
export type ConversationId = `#${string}` | `@${string}` | `+${string}`;

export type ConversationKind = 'room' | 'direct' | 'feed';

const KINDS = { '#': 'room', '@': 'direct', '+': 'feed' } as const;
const SIGILS = { room: '#', direct: '@', feed: '+' } as const;

/** The target of this kind with this name. */
export function targetOf(kind: ConversationKind, name: string): ConversationId {
  return `${SIGILS[kind]}${name}` as ConversationId;
}

/** Whether a string is a target. The name behind the sigil is not judged. */
export function isTarget(value: string): value is ConversationId {
  return value.length > 1 && value.charAt(0) in KINDS;
}

export function kindOf(target: ConversationId): ConversationKind {
  return KINDS[target.charAt(0) as keyof typeof KINDS];
}

/** The name without its sigil. */
export function nameOf(target: ConversationId): string {
  return target.slice(1);
}
