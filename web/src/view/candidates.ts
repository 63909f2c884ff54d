// What the composer can complete: people and rooms that are known here, the commands of the server, emoji by name.

import { COMMANDS } from '../protocol/commands';
import type { ConversationModel, Store } from '../store/model';
import type { Candidate, CompletionKind } from '../text/complete';

/** Commands that say nothing to a person: this page sends them itself, or does not need them. */
const INTERNAL: ReadonlySet<string> = new Set(['once', 'sync', 'read', 'backlog', 'format', 'ping', 'quit']);

/** All candidates of a kind. */
export async function candidatesFor(
  kind: CompletionKind,
  store: Store,
  model: ConversationModel,
): Promise<readonly Candidate[]> {
  switch (kind) {
    case 'user':
      return users(store, model);
    case 'room':
      return rooms(store);
    case 'command':
      return commands(store);
    case 'emoji':
      return emoji();
  }
}

function users(store: Store, model: ConversationModel): readonly Candidate[] {
  const members = (model.members.peek() ?? []).filter((member) => !member.isMe).map((member) => member.user);
  const others = model.kind === 'direct' ? [model.name] : [];
  const session = store.session.peek();
  const me = session.state === 'logged-in' ? session.user : '';
  const known = store.knownUsers.peek().filter((user) => user !== me);
  const names = new Set([...members, ...others, ...known]);
  return [...names].map((name) => ({ kind: 'user', name, insert: `@${name}` }));
}

function rooms(store: Store): readonly Candidate[] {
  const open = store.conversations.peek().filter((entry) => entry.kind === 'room');
  const names = new Set([
    ...open.map((entry) => entry.name),
    ...(store.rooms.peek() ?? []).map((entry) => entry.room),
  ]);
  return [...names].map((name) => ({ kind: 'room', name, insert: `#${name}` }));
}

let explained: readonly Candidate[] | null = null;

/** The commands with the usage that the server tells; without it only their names. */
async function commands(store: Store): Promise<readonly Candidate[]> {
  if (explained) return explained;
  const plain = COMMANDS.filter((name) => !INTERNAL.has(name));
  const outcome = await store.actions.runCommand(null, '/help');
  if (!outcome.ok || outcome.value.kind !== 'help') return plain.map((name) => command(name, undefined));
  const usages = new Map(outcome.value.commands.map((each) => [nameIn(each.usage), each]));
  explained = plain.map((name) => {
    const known = usages.get(name);
    return command(name, known && `${argumentsIn(known.usage)} ${known.help}`.trim());
  });
  return explained;
}

function command(name: string, detail: string | undefined): Candidate {
  return { kind: 'command', name, insert: `/${name}`, detail };
}

function nameIn(usage: string): string {
  return (usage.split(/\s/)[0] ?? '').replace(/^\//, '').toLowerCase();
}

function argumentsIn(usage: string): string {
  return usage.includes(' ') ? `${usage.slice(usage.indexOf(' ') + 1)} ·` : '';
}

async function emoji(): Promise<readonly Candidate[]> {
  const { EMOJI } = await import('../text/emoji-table');
  return EMOJI.map((each) => ({ kind: 'emoji', name: each.name, insert: each.emoji, detail: each.emoji }));
}
