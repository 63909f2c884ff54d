// Where things stand, as a server tells it, with a few fields that a test cares about.
import type { OutboxItem } from '../src/connection/messages';
import type { Sync } from '../src/connection/connection';
import type { Entry } from '../src/protocol/entries';
import type { ConversationId } from '../src/protocol/target';

type RoomState = Sync['rooms'][number];

export const room = (name: string, fields: Partial<RoomState> = {}): RoomState => ({
  room: name,
  epoch: 'e',
  last: 0,
  read: 0,
  unread: 0,
  members: 1,
  topic: '',
  role: 'member',
  ...fields,
});

export function sync(fields: Partial<Sync> = {}): Sync {
  const inbox = { epoch: 'i', last: 0, unread: 0 } as Sync['inbox'];
  return { type: 'sync', rooms: [], feeds: [], directs: [], lost: [], inbox, ...fields } as Sync;
}

export const said = (id: number, text = `text ${id}`, from = 'bob'): Entry => ({
  type: 'message',
  id,
  time: id,
  from,
  text,
});
export const item = (key: string, target: ConversationId = '#red'): OutboxItem => ({
  key,
  target,
  text: key,
  time: 1,
  delivery: { state: 'waiting' },
});

export function feed(user: string, last = 0): Sync['feeds'][number] {
  return { user, epoch: 'e', last, read: last, unread: 0 };
}
