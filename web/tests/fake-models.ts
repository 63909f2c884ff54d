// The conversations of the fake store: models whose signals a test may write, and a few of them with messages.
import { signal, type Signal } from '@preact/signals';
import { kindOf, nameOf, type ConversationId } from '../src/protocol/target';
import type {
  Attention,
  Connection,
  ConversationModel,
  ConversationSummary,
  Edge,
  Member,
  MessageRow,
  Notice,
  Outcome,
  Role,
  RoomInfo,
  Row,
  Session,
  Settings,
  Store,
} from '../src/store/model';

export const DONE: Outcome = { ok: true, value: undefined };
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** A conversation whose signals a test may write. */
export interface FakeConversation extends ConversationModel {
  readonly summary: Signal<ConversationSummary>;
  readonly rows: Signal<readonly Row[]>;
  readonly loaded: Signal<boolean>;
  readonly older: Signal<Edge>;
  readonly newer: Signal<Edge>;
  readonly newAfter: Signal<number | null>;
  readonly newBelow: Signal<number>;
  readonly draft: Signal<string>;
  readonly members: Signal<readonly Member[] | null>;
  readonly memberCount: Signal<number | null>;
  readonly info: Signal<RoomInfo | null>;
  readonly topic: Signal<string>;
  readonly role: Signal<Role>;
}

/** A store whose signals a test may write. */
export interface FakeStore extends Store {
  readonly session: Signal<Session>;
  readonly connection: Signal<Connection>;
  readonly serverName: Signal<string>;
  readonly isOperator: Signal<boolean>;
  readonly shown: Signal<ConversationId | null>;
  readonly notices: Signal<readonly Notice[]>;
  readonly models: Signal<ReadonlyMap<ConversationId, FakeConversation>>;
  readonly settings: Signal<Settings>;
  conversation(id: ConversationId): FakeConversation | null;
  /** Lets somebody else say something. */
  hear(id: ConversationId, author: string, text: string): void;
  attend(attention: Attention): void;
}

/** One message row, with what matters told. */
export function messageRow(fields: Partial<MessageRow> & { readonly text: string }): MessageRow {
  return {
    kind: 'message',
    key: fields.sendKey ?? `m${fields.id ?? 0}`,
    id: 1,
    author: 'bob',
    isBot: false,
    isMine: false,
    time: Date.UTC(2026, 10, 28, 9, 30),
    startsGroup: true,
    mentionsMe: false,
    edited: null,
    removed: null,
    delivery: { state: 'accepted' },
    sendKey: null,
    ...fields,
  };
}

export function conversationModel(id: ConversationId): FakeConversation {
  const room = kindOf(id) === 'room';
  return {
    id,
    kind: kindOf(id),
    name: nameOf(id),
    summary: signal({
      id,
      kind: kindOf(id),
      name: nameOf(id),
      unread: 0,
      mentions: 0,
      lastActivity: 0,
      hasDraft: false,
      isPrivate: room ? false : null,
      muted: false,
      lost: null,
    }),
    rows: signal([]),
    loaded: signal(true),
    older: signal<Edge>('end'),
    newer: signal<Edge>('end'),
    newAfter: signal(null),
    newBelow: signal(0),
    draft: signal(''),
    members: signal(null),
    memberCount: signal(room ? 1 : null),
    info: signal(null),
    topic: signal(''),
    role: signal<Role>('member'),
  };
}

function gardenRows(): Row[] {
  const morning = new Date().setHours(8, 47, 0, 0);
  const yesterday = morning - 15 * HOUR;
  const mine = { author: 'alice', isMine: true, time: morning + 46 * MINUTE } as const;
  const more = { startsGroup: false } as const;
  return [
    { kind: 'day', key: 'd1', time: new Date(yesterday).setHours(0, 0, 0, 0) },
    messageRow({
      id: 1,
      text: 'The roses at the south wall are out. Two of them have black spot, I cut those back.',
      time: yesterday,
    }),
    messageRow({ id: 2, text: 'Pictures tomorrow.', ...more, time: yesterday + 20_000 }),
    {
      kind: 'presence',
      key: 'p1',
      time: yesterday + HOUR,
      came: ['carol', 'erin', 'frank', 'gus'],
      went: [],
    },
    messageRow({
      id: 3,
      author: 'carol',
      text: 'Good. Milk and water, *one to nine*, every ten days. See https://example.org/black-spot',
      time: yesterday + HOUR,
    }),
    messageRow({ id: 4, author: 'carol', text: '> I cut those back', ...more, time: yesterday + HOUR }),
    messageRow({
      id: 5,
      author: 'carol',
      text: 'Burn them, please, do not compost.',
      ...more,
      edited: yesterday + HOUR,
      time: yesterday + HOUR,
    }),
    { kind: 'day', key: 'd2', time: new Date(morning).setHours(0, 0, 0, 0) },
    ...[
      'The pump script from last year:',
      '```python',
      'while soil < 40:',
      '    open(valve, minutes=5)',
      '    wait(20)',
      '```',
      'Set `minutes` to 3 for the seedlings.',
    ].map((text, index) => messageRow({ id: 6 + index, text, startsGroup: index === 0, time: morning })),
    { kind: 'new', key: 'new' },
    messageRow({
      id: 13,
      author: 'dmitri',
      text: '',
      removed: { by: 'carol', reason: 'wrong room' },
      time: morning + 28 * MINUTE,
    }),
    {
      kind: 'moderation',
      key: 'e14',
      time: morning + 29 * MINUTE,
      by: 'carol',
      action: 'mute',
      user: 'dmitri',
      until: morning + 39 * MINUTE,
      reason: '',
    },
    messageRow({
      id: 15,
      author: 'carol',
      text: '@alice can you take the watering on Saturday? I am away until Sunday night.',
      mentionsMe: true,
      time: morning + 44 * MINUTE,
    }),
    messageRow({ id: 16, ...mine, text: 'Yes, Saturday is fine.' }),
    messageRow({
      id: null,
      sendKey: 'k1',
      ...mine,
      ...more,
      text: 'I will bring the long hose.',
      delivery: { state: 'waiting' },
    }),
    messageRow({
      id: null,
      sendKey: 'k2',
      ...mine,
      ...more,
      text: 'And the keys',
      delivery: { state: 'refused', problem: { code: 'store-unavailable' } },
    }),
  ];
}

function gardenRoom(): FakeConversation {
  const model = conversationModel('#garden');
  const member = (user: string, role: Member['role'] = null): Member => ({
    user,
    role,
    isMe: user === 'alice',
    mutedUntil: null,
  });
  model.rows.value = gardenRows();
  model.topic.value = 'Roses, beds and who waters when';
  model.role.value = 'moderator';
  model.members.value = [
    member('carol', 'owner'),
    member('alice', 'moderator'),
    member('bob', 'moderator'),
    { ...member('dmitri'), mutedUntil: new Date().setHours(23, 30, 0, 0) },
    member('erin'),
  ];
  model.memberCount.value = 5;
  model.info.value = {
    topic: model.topic.value,
    access: 'public',
    post: 'everyone',
    owner: 'carol',
    moderators: ['alice', 'bob'],
    role: 'moderator',
    created: Date.UTC(2026, 4, 3),
  };
  return model;
}

const SIZES: Partial<Record<ConversationId, { unread: number; mentions: number }>> = {
  '#greenhouse': { unread: 12, mentions: 1 },
  '#lobby': { unread: 3, mentions: 0 },
  '@bob': { unread: 2, mentions: 2 },
  '+erin': { unread: 1, mentions: 0 },
};

export function sampleModels(): Map<ConversationId, FakeConversation> {
  const others: ConversationId[] = [
    '#greenhouse',
    '#lobby',
    '#compost-and-soil',
    '#board',
    '@bob',
    '@carol',
    '@dmitri',
    '+erin',
    '+weather-bot',
  ];
  const models = new Map<ConversationId, FakeConversation>([['#garden', gardenRoom()]]);
  for (const id of others) {
    const model = conversationModel(id);
    model.summary.value = { ...model.summary.value, ...SIZES[id], isPrivate: id === '#board' };
    model.rows.value = [messageRow({ id: 1, text: `The first message of ${nameOf(id)}` })];
    models.set(id, model);
  }
  return models;
}

/** The store of alice, who is in a few conversations. */
