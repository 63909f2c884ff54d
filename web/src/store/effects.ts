// What each event does to the conversations.
import type { HubEvent } from '../connection/messages';
import type { OutboxItem } from '../connection/messages';
import { command } from '../protocol/lines';
import type { OtherOk } from '../protocol/events';
import type { Ok } from '../protocol/replies';
import { targetOf } from '../protocol/target';
import type { Book } from './book';
import type { Conversation } from './conversation';
import type { Outcome } from './model';
import { infoOf } from './rights';

type Of<T extends HubEvent['type']> = Extract<HubEvent, { readonly type: T }>;

/** Actions of moderators that change what `/room` tells; `unban` does not. */
const RIGHTS = /^ban|access|post|moderator|owner/;

export class Effects {
  constructor(private readonly book: Book) {}

  event(event: HubEvent): void {
    switch (event.type) {
      case 'message':
      case 'edited':
      case 'removed':
        return this.inRoom(event.room, (room) => this.book.hear(room, event));
      case 'topic':
        return this.inRoom(event.room, (room) => {
          this.book.hear(room, event);
          room.topic.value = event.text;
          if (room.info.value !== null) room.info.value = { ...room.info.value, topic: event.text };
        });
      case 'moderated':
        return this.inRoom(event.room, (room) => this.moderated(room, event));
      case 'direct':
        return this.direct(event);
      case 'publication':
        this.hearFeed(event);
        return;
      case 'invited':
        return this.invited(event);
      case 'joined':
      case 'left':
        return this.inRoom(event.room, (room) =>
          room.moved(event.user, event.type === 'joined', this.book.env.now()),
        );
      case 'notice':
        return this.book.env.notify({ kind: 'broadcast', by: event.from, text: event.text });
      case 'moved':
        return this.entered(event);
      case 'done':
        return this.done(event.ok);
      case 'item':
        return this.item(event.item);
      case 'gone':
        return this.gone(event);
      case 'read':
        return this.read(event);
      case 'hello':
      case 'reconnect':
      case 'bye':
        return;
    }
  }

  private inRoom(name: string, change: (room: Conversation) => void): void {
    const room = this.book.room(name);
    if (room !== undefined) change(room);
  }

  private hearFeed(event: Of<'publication'>): void {
    const feed = this.book.get(targetOf('feed', event.from));
    if (feed !== undefined) this.book.hear(feed, event);
  }

  private direct(event: Of<'direct'>): void {
    const { id, to } = event;
    if (id === undefined) return;
    const { me } = this.book;
    const other = event.from === me && to !== undefined ? to : event.from;
    this.book.hear(this.book.ensure(targetOf('direct', other)), { ...event, id, to: to ?? me });
  }

  private invited(event: Of<'invited'>): void {
    const { me } = this.book;
    const isMine = event.from === me;
    const other = isMine && event.to !== undefined ? event.to : event.from;
    this.book.hear(this.book.ensure(targetOf('direct', other)), { ...event, to: event.to ?? me });
    if (!isMine) this.book.env.notify({ kind: 'invited', by: event.from, room: event.room });
  }

  private moderated(room: Conversation, event: Of<'moderated'>): void {
    this.book.hear(room, event);
    const { action, user, until } = event;
    const isMe = user === this.book.me;
    if (isMe && (action === 'kick' || action === 'ban')) return this.book.thrownOut(room.name, event);
    if (user !== null && (action === 'mute' || action === 'unmute')) {
      const mutes = new Map(room.mutes.value);
      if (action === 'mute') mutes.set(user, until ?? 'for-ever');
      else mutes.delete(user);
      room.mutes.value = mutes;
    }
    if (action === 'access') this.book.setPrivate(room, event.reason === 'private');
    if (RIGHTS.test(action) && (isMe || event.from === this.book.me || room.info.value !== null))
      void loadInfo(this.book, room);
  }

  /** The room that I am in now. */
  private entered(into: {
    readonly room: string;
    readonly members: number;
    readonly epoch: string;
    readonly last: number;
    readonly topic?: string;
  }): void {
    const room = this.book.ensure(targetOf('room', into.room));
    if (room.log.epoch !== into.epoch) {
      room.reset();
      room.read = 0;
    }
    Object.assign(room.log, { epoch: into.epoch, last: into.last });
    room.newest = room.counted = into.last;
    room.lost.value = null;
    room.memberCount.value = into.members;
    room.topic.value = into.topic ?? room.topic.value;
    if (room.loaded.value) void this.book.loader.newest(room, true);
  }

  private done(ok: Ok | OtherOk): void {
    const { blocked } = this.book;
    switch (ok.command) {
      case 'open':
      case 'join':
        this.entered(ok);
        return void this.book.refresh();
      case 'leave':
        this.book.remove(targetOf('room', ok.left));
        return this.entered(ok);
      case 'close':
        return this.book.remove(targetOf('room', ok.room));
      case 'subscribe':
        return void this.book.refresh();
      case 'unsubscribe':
        return this.book.remove(targetOf('feed', ok.user));
      case 'block':
      case 'unblock':
        if (blocked.value !== null)
          blocked.value = [
            ...blocked.value.filter((user) => user !== ok.user),
            ...(ok.command === 'block' ? [ok.user] : []),
          ].sort();
        return;
      default:
        return;
    }
  }

  /** I have read up to here, perhaps in another tab. What is still unread is counted by what is held. */
  private read({ target, id }: Of<'read'>): void {
    const conversation = this.book.get(target);
    if (conversation === undefined) return;
    conversation.setRead(id);
    if (conversation.unread.value > 0) void this.book.loader.newest(conversation);
  }

  private item(item: OutboxItem): void {
    if (item.target.startsWith('@')) this.book.ensure(item.target);
    const { outbox } = this.book;
    const isKnown = outbox.value.some(({ key }) => key === item.key);
    outbox.value = isKnown
      ? outbox.value.map((each) => (each.key === item.key ? item : each))
      : [...outbox.value, item];
  }

  private gone({ item, id }: Of<'gone'>): void {
    if (id !== null) this.book.get(item.target)?.keepKey(id, item.key);
    this.book.outbox.value = this.book.outbox.value.filter(({ key }) => key !== item.key);
  }
}

/** Learns who may do what in a room. */
export async function loadInfo(book: Book, room: Conversation): Promise<Outcome> {
  const answer = await book.env.link.expect(command('room', [room.name]), 'room');
  if (!answer.ok) return answer;
  const info = infoOf(answer.value);
  room.info.value = info;
  book.setPrivate(room, info.access === 'private');
  room.topic.value = info.topic;
  room.role.value = info.role;
  return { ok: true, value: undefined };
}
