// Finds what the search box offers: conversations, rooms of the server, people, and a room that does not exist yet. Pure.

import { targetOf } from '../protocol/target';
import type { ConversationId, ConversationKind, ConversationSummary, RoomListing } from '../store/model';

export interface Target {
  /** Go there, enter a room that exists, make a room, or begin to write to somebody. */
  readonly action: 'show' | 'open' | 'make' | 'write';
  readonly id: ConversationId;
  readonly kind: ConversationKind;
  readonly name: string;
  readonly unread: number;
  readonly isPrivate: boolean;
  /** Of a room that is not open, if known. */
  readonly members: number | null;
}

export interface Places {
  readonly conversations: readonly ConversationSummary[];
  /** Null as long as it is not known which there are. */
  readonly rooms: readonly RoomListing[] | null;
  readonly users: readonly string[];
  readonly me: string;
}

const SIGILS: Readonly<Record<string, ConversationKind>> = { '#': 'room', '@': 'direct', '+': 'feed' };
const ROOM = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const USER = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const LIMIT = 60;

/** What fits the text, best first. A sigil at its beginning asks for one kind only. */
export function findTargets(text: string, places: Places): readonly Target[] {
  const typed = text.trim().toLowerCase();
  const kind = SIGILS[typed.charAt(0)] ?? null;
  const words = (kind ? typed.slice(1) : typed).trim();
  const known = [
    ...ofConversations(places.conversations, words === ''),
    ...ofRooms(places.rooms ?? []),
    ...ofUsers(places),
  ];
  const wanted = (target: Target) => kind === null || target.kind === kind;
  const fitting = ranked(distinct(known).filter(wanted), words).slice(0, LIMIT);
  return [...fitting, ...newOnes(words.replace(/\s+/g, '-'), kind, fitting, places)];
}

function ofConversations(all: readonly ConversationSummary[], unreadFirst: boolean): readonly Target[] {
  const sorted = unreadFirst
    ? [...all].sort((a, b) => Number(b.unread > 0) - Number(a.unread > 0) || b.lastActivity - a.lastActivity)
    : all;
  return sorted.map((entry) => ({
    action: 'show',
    id: entry.id,
    kind: entry.kind,
    name: entry.name,
    unread: entry.unread,
    isPrivate: entry.isPrivate === true,
    members: null,
  }));
}

function ofRooms(rooms: readonly RoomListing[]): readonly Target[] {
  return rooms.map(({ room, members }) => ({ ...target('open', 'room', room), members }));
}

function ofUsers({ users, me }: Places): readonly Target[] {
  return users.filter((user) => user !== me).map((user) => target('write', 'direct', user));
}

function target(action: Target['action'], kind: ConversationKind, name: string): Target {
  return { action, kind, id: targetOf(kind, name), name, unread: 0, isPrivate: false, members: null };
}

function distinct(targets: readonly Target[]): readonly Target[] {
  const seen = new Set<ConversationId>();
  return targets.filter(({ id }) => !seen.has(id) && seen.add(id));
}

/** The exact name first, then what begins so, then what contains it. */
function ranked(targets: readonly Target[], words: string): readonly Target[] {
  if (words === '') return targets;
  const rank = ({ name }: Target) =>
    name === words
      ? 0
      : name.startsWith(words)
        ? 1
        : name.includes(words)
          ? 2
          : isScattered(name, words)
            ? 3
            : 4;
  return targets
    .map((each) => [rank(each), each] as const)
    .filter(([place]) => place < 4)
    .sort(([a], [b]) => a - b)
    .map(([, each]) => each);
}

/** Whether the letters of `words` stand in `name` in this order. */
function isScattered(name: string, words: string): boolean {
  let at = 0;
  for (const letter of words) {
    at = name.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return words.length > 1;
}

/** A room or a person of exactly this name, if it is not among what was found. */
function newOnes(
  name: string,
  kind: ConversationKind | null,
  found: readonly Target[],
  { rooms, me }: Places,
): readonly Target[] {
  const has = (id: ConversationId) => found.some((each) => each.id === id);
  const offers: Target[] = [];
  if (
    rooms !== null &&
    kind !== 'direct' &&
    kind !== 'feed' &&
    ROOM.test(name) &&
    !has(targetOf('room', name))
  ) {
    offers.push(target('make', 'room', name));
  }
  if (
    kind !== 'room' &&
    kind !== 'feed' &&
    USER.test(name) &&
    name !== me &&
    !has(targetOf('direct', name))
  ) {
    offers.push(target('write', 'direct', name));
  }
  return offers;
}
