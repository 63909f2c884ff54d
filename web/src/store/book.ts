// All conversations of the user, and what becomes of them by what the hub tells: where everything stands, and events.
import { effect, signal } from '@preact/signals';
import type { HubEvent, Stand } from '../connection/messages';
import type { Sync } from '../connection/connection';
import type { OutboxItem } from '../connection/messages';
import { isBot, isBy } from '../protocol/bot';
import type { Entry } from '../protocol/entries';
import { mentionOf } from '../protocol/mention';
import { targetOf, type ConversationId } from '../protocol/target';
import { Conversation, isMessage, type Log, type Surrounding } from './conversation';
import { Effects, loadInfo } from './effects';
import type { Kept } from './keep';
import type { Link } from './link';
import { Loader } from './loader';
import type { Attention, Notice } from './model';
import { roleOf } from './rights';

/** A gap of more entries than this is not filled: the newest page is loaded instead. */
const WIDE = 300;
/** How many direct conversations are asked for their newest entry at start. */
const MOST_DIRECTS = 20;

/** `Omit` for each variant of a union. */
export type NewNotice = Notice extends infer N ? (N extends Notice ? Omit<N, 'key' | 'time'> : never) : never;

export interface BookSurrounding {
  readonly user: string;
  readonly link: Link;
  readonly kept: Kept;
  readonly isMuted: (id: ConversationId) => boolean;
  readonly after: (ms: number, run: () => void) => void;
  readonly now: () => number;
  readonly isShown: (id: ConversationId) => boolean;
  /** Whether the user sees this conversation now, as far as the store knows. */
  readonly isSeen: (id: ConversationId) => boolean;
  readonly attend: (attention: Attention) => void;
  readonly notify: (notice: NewNotice) => void;
}

export class Book {
  readonly all = signal<ReadonlyMap<ConversationId, Conversation>>(new Map());
  readonly followers = signal<readonly string[] | null>(null);
  readonly blocked = signal<readonly string[] | null>(null);
  readonly loader: Loader;
  /** The inbox: the log of all direct conversations. */
  readonly inbox: Log = { epoch: '', last: 0 };
  /** My messages that are in no log yet, of all conversations. */
  readonly outbox = signal<readonly OutboxItem[]>([]);
  private isFirst = true;
  private readonly around: Surrounding;
  private readonly effects: Effects;

  constructor(readonly env: BookSurrounding) {
    this.around = { me: env.user, mention: mentionOf(env.user), isMuted: env.isMuted, outbox: this.outbox };
    this.loader = new Loader(env.link, env.after, (conversation, epoch) =>
      this.renumbered(conversation, epoch),
    );
    this.effects = new Effects(this);
  }

  get me(): string {
    return this.env.user;
  }

  get(id: ConversationId): Conversation | undefined {
    return this.all.value.get(id);
  }

  room(name: string): Conversation | undefined {
    return this.get(targetOf('room', name));
  }

  /** The conversation, made if it is not among mine. */
  ensure(id: ConversationId, log: Log = { epoch: '', last: 0 }): Conversation {
    const known = this.get(id);
    if (known !== undefined) return known;
    const conversation = new Conversation(id, id.startsWith('@') ? this.inbox : log, this.around);
    conversation.draft.value = this.env.kept.draft(id);
    if (conversation.kind === 'room') conversation.isPrivate.value = this.env.kept.isPrivate(id);
    this.all.value = new Map(this.all.value).set(id, conversation);
    return conversation;
  }

  remove(id: ConversationId): void {
    const left = new Map(this.all.value);
    if (left.delete(id)) this.all.value = left;
  }

  /** Learns where everything stands: after a connection, and whenever it is asked for again. */
  stand({ sync, outbox }: Stand): void {
    this.loader.restart();
    this.waits(outbox);
    this.standings(sync);
    for (const each of this.all.value.values()) each.isStale = true;
    void this.background(sync);
  }

  /** These messages wait; and those that a page left which is gone. */
  private waits(outbox: readonly OutboxItem[]): void {
    const known = new Set(outbox.map(({ key }) => key));
    const left = this.isFirst ? this.env.kept.outbox().filter(({ key }) => !known.has(key)) : [];
    if (left.length > 0) this.env.link.tell({ do: 'send', items: left, mayBeSent: true });
    this.outbox.value = [...left, ...outbox];
    for (const { target } of this.outbox.value) if (target.startsWith('@')) this.ensure(target);
    if (this.isFirst) effect(() => this.env.kept.setOutbox(this.outbox.value));
    this.isFirst = false;
  }

  /** Asks again where everything stands. */
  async refresh(): Promise<void> {
    const answer = await this.env.link.expect('/sync', 'sync');
    if (answer.ok) this.standings(answer.value);
  }

  private standings(sync: Sync): void {
    const present = new Set<ConversationId>();
    for (const state of sync.rooms) {
      const room = this.ensure(targetOf('room', state.room));
      present.add(room.id);
      room.lost.value = null;
      room.memberCount.value = state.members;
      room.topic.value = state.topic;
      room.role.value = roleOf(state.role);
      this.stands(room, state, state);
    }
    for (const state of sync.feeds) {
      const feed = this.ensure(targetOf('feed', state.user));
      present.add(feed.id);
      this.stands(feed, state, state);
    }
    this.directs(sync);
    for (const { room, code } of sync.lost) {
      const lost = this.ensure(targetOf('room', room));
      present.add(lost.id);
      if (lost.lost.value === null) this.env.notify({ kind: 'room-lost', room, problem: { code } });
      lost.lost.value = { code };
    }
    for (const [id, { kind }] of this.all.value) if (kind !== 'direct' && !present.has(id)) this.remove(id);
  }

  private directs(sync: Sync): void {
    const { epoch } = sync.inbox;
    const isOther = this.inbox.epoch !== epoch;
    const last = isOther ? sync.inbox.last : Math.max(this.inbox.last, sync.inbox.last);
    const states = new Map(sync.directs.map((state) => [targetOf('direct', state.user), state]));
    for (const [id, state] of states) if (state.last > this.env.kept.hidden(id)) this.ensure(id);
    for (const [id, direct] of this.all.value) {
      if (direct.kind !== 'direct') continue;
      const state = states.get(id) ?? { last: 0, read: 0, unread: 0 };
      this.stands(direct, { epoch, last }, state, isOther);
    }
    Object.assign(this.inbox, { epoch, last });
  }

  /** One conversation: the log is there, and its own newest entry and mark are these. */
  private stands(
    conversation: Conversation,
    log: Log,
    state: { readonly last: number; readonly read: number; readonly unread: number },
    isOther = conversation.log.epoch !== log.epoch,
  ): void {
    if (isOther) {
      conversation.reset();
      conversation.read = conversation.newest = conversation.counted = 0;
    }
    this.unread(conversation, state);
    if (conversation.kind !== 'direct')
      Object.assign(conversation.log, {
        epoch: log.epoch,
        last: isOther ? log.last : Math.max(conversation.log.last, log.last),
      });
    this.catchUp(conversation, state.last, log.last);
  }

  /** How much is unread. If more was heard than the server tells here, what was counted by that is better. */
  private unread(
    conversation: Conversation,
    state: { readonly last: number; readonly read: number; readonly unread: number },
  ): void {
    conversation.newest = Math.max(conversation.newest, state.last);
    if (conversation.counted > state.last) return conversation.setRead(state.read);
    const mine = conversation.read;
    const wasRead = conversation.unread.value === 0;
    conversation.recount(state.last, state.read, state.unread);
    conversation.setRead(mine);
    if (wasRead && conversation.unread.value > 0) conversation.newAfter.value = conversation.read;
  }

  /** What was missed of a conversation that is held is loaded, unless it is too much. */
  private catchUp(conversation: Conversation, newest: number, last: number): void {
    const { window } = conversation;
    if (!conversation.loaded.value) {
      if (this.env.isShown(conversation.id)) void this.loader.newest(conversation);
      return;
    }
    if (!window.attached) return;
    if (newest - window.hi > WIDE) {
      if (conversation.follows) {
        void this.loader.newest(conversation, true);
      } else {
        window.attached = false;
        conversation.newer.value = 'more';
      }
      return;
    }
    window.miss(newest);
    window.reach(last);
    conversation.touch();
    this.loader.mend(conversation, 0);
  }

  /** Learns in the background when something was said last, who mentioned me, and which rooms are private. */
  private async background(sync: Sync): Promise<void> {
    const names = [
      ...sync.rooms.map(({ room }) => targetOf('room', room)),
      ...sync.directs.slice(0, MOST_DIRECTS).map(({ user }) => targetOf('direct', user)),
      ...sync.feeds.map(({ user }) => targetOf('feed', user)),
    ];
    const all = names.flatMap((id) => this.get(id) ?? []);
    await this.loader.background(all);
    for (const room of all) {
      if (room.kind !== 'room' || room.isPrivate.value !== null) continue;
      const outcome = await loadInfo(this, room);
      if (!outcome.ok) return;
    }
  }

  /** A room is private, or is not. */
  setPrivate(room: Conversation, isPrivate: boolean): void {
    room.isPrivate.value = isPrivate;
    this.env.kept.setPrivate(room.id, isPrivate);
  }

  private renumbered(conversation: Conversation, epoch: string): void {
    const isInbox = conversation.log === this.inbox;
    for (const each of isInbox ? this.all.value.values() : [conversation]) {
      if (each.log !== conversation.log) continue;
      each.reset();
      each.read = each.newest = each.counted = each.unread.value = 0;
    }
    Object.assign(conversation.log, { epoch, last: 0 });
    void this.refresh();
  }

  events(events: readonly HubEvent[]): void {
    for (const event of events) this.effects.event(event);
  }

  /** An entry of a log that I hear. */
  hear(conversation: Conversation, entry: Entry): void {
    const { log } = conversation;
    const sharers = log === this.inbox ? [...this.all.value.values()] : [conversation];
    for (const each of sharers) {
      if (each === conversation || each.log !== log) continue;
      each.live(entry.id, null);
    }
    const wasRead = conversation.unread.value === 0;
    const readBefore = conversation.read;
    conversation.live(entry.id, entry);
    const isUnread = conversation.count(entry);
    log.last = Math.max(log.last, entry.id);
    for (const each of sharers) if (each.log === log) this.loader.mend(each);
    if (isBy(entry, this.me) && isMessage(entry)) conversation.setRead(entry.id);
    if (wasRead && isUnread && !this.env.isSeen(conversation.id)) conversation.newAfter.value = readBefore;
    if (isUnread && conversation.concernsMe(entry)) this.call(conversation, entry);
  }

  private call(conversation: Conversation, entry: Entry): void {
    if (!isMessage(entry) || this.env.isMuted(conversation.id)) return;
    if (this.env.isSeen(conversation.id) && conversation.follows) return;
    const { from, text, time } = entry;
    this.env.attend({ conversation: conversation.id, from, isBot: isBot(entry), text, time });
  }

  /** A room that I may not be in any more. */
  thrownOut(
    room: string,
    { action, reason, until }: Pick<Entry & { readonly type: 'moderated' }, 'action' | 'reason' | 'until'>,
  ): void {
    this.remove(targetOf('room', room));
    this.env.notify({ kind: 'removed-from-room', room, action, reason, until });
  }
}
