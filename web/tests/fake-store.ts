// A store without a server: a few conversations in memory, to draw and test components against.
// Every action does what a server that agrees would cause; nothing is kept.
import { computed, signal, type Signal } from '@preact/signals';
import { kindOf, nameOf, targetOf, type ConversationId } from '../src/protocol/target';
import type {
  Actions,
  Attention,
  CommandAnswer,
  Connection,
  ConversationModel,
  ConversationSummary,
  Delivery,
  Edge,
  Member,
  MessageRow,
  Notice,
  Outcome,
  Person,
  Role,
  RoomInfo,
  RoomListing,
  Row,
  Session,
  Settings,
  Store,
} from '../src/store/model';

const DONE: Outcome = { ok: true, value: undefined };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A conversation whose signals a test may write. */
export interface FakeConversation extends ConversationModel {
  readonly summary: Signal<ConversationSummary>;
  readonly rows: Signal<readonly Row[]>;
  readonly loaded: Signal<boolean>;
  readonly older: Signal<Edge>;
  readonly newer: Signal<Edge>;
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

function conversationModel(id: ConversationId): FakeConversation {
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

function sampleModels(): Map<ConversationId, FakeConversation> {
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
export function fakeStore(): FakeStore {
  const models = signal<ReadonlyMap<ConversationId, FakeConversation>>(sampleModels());
  const listeners = new Set<(attention: Attention) => void>();
  const session = signal<Session>({ state: 'logged-in', user: 'alice' });
  const shown = signal<ConversationId | null>('#garden');
  const notices = signal<readonly Notice[]>([]);
  const settings = signal<Settings>({
    theme: 'system',
    language: null,
    sound: true,
    notifications: false,
    mutedConversations: [],
  });
  const rooms = signal<readonly RoomListing[] | null>(null);
  const following = signal<readonly string[]>(['erin', 'weather-bot']);
  const blocked = signal<readonly string[] | null>(null);
  const conversations = computed(() => [...models.value.values()].map((model) => model.summary.value));
  const conversation = (id: ConversationId) => models.value.get(id) ?? null;
  const store: FakeStore = {
    session,
    connection: signal<Connection>({ state: 'live' }),
    serverName: signal('Gardeners’ Hall'),
    isOperator: signal(false),
    conversations,
    shown,
    totals: computed(() => ({
      unread: conversations.value.reduce((sum, each) => sum + each.unread, 0),
      mentions: conversations.value.reduce((sum, each) => sum + each.mentions, 0),
    })),
    notices,
    rooms,
    following,
    followers: signal(['bob']),
    blocked,
    settings,
    models,
    knownUsers: signal(['alice', 'bob', 'carol', 'dmitri', 'erin', 'weather-bot']),
    conversation,
    person: (user) =>
      computed<Person>(() => ({
        user,
        followed: following.value.includes(user),
        blocked: blocked.value?.includes(user) ?? false,
      })),
    onAttention: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    attend: (attention) => listeners.forEach((listener) => listener(attention)),
    hear: (id, author, text) => {
      const model = conversation(id);
      if (model !== null)
        append(model, messageRow({ id: model.rows.value.length + 1, author, text, time: Date.now() }));
    },
    actions: {} as Actions,
  };
  Object.assign(store.actions, fakeActions(store, rooms, following, blocked));
  return store;
}

function append(model: FakeConversation, row: Row): void {
  model.rows.value = [...model.rows.value, row];
}

function addModel(store: FakeStore, id: ConversationId): void {
  if (!store.models.value.has(id))
    store.models.value = new Map(store.models.value).set(id, conversationModel(id));
  store.shown.value = id;
}

function changeRow(
  store: FakeStore,
  id: ConversationId,
  wanted: (row: MessageRow) => boolean,
  change: Partial<MessageRow> | null,
): void {
  const model = store.conversation(id);
  if (model === null) return;
  model.rows.value = model.rows.value.flatMap((row) => {
    if (row.kind !== 'message' || !wanted(row)) return [row];
    return change === null ? [] : [{ ...row, ...change }];
  });
}

function fakeActions(
  store: FakeStore,
  rooms: Signal<readonly RoomListing[] | null>,
  following: Signal<readonly string[]>,
  blocked: Signal<readonly string[] | null>,
): Actions {
  const done = () => Promise.resolve(DONE);
  let keys = 0;
  const logIn = (user: string, password: string): Promise<Outcome> => {
    if (password === 'wrong') return Promise.resolve({ ok: false, problem: { code: 'bad-credentials' } });
    store.session.value = { state: 'logged-in', user };
    return done();
  };
  return {
    logIn,
    register: logIn,
    logOut: () => {
      store.session.value = { state: 'logged-out', problem: null };
      return done();
    },
    useHere: () => (store.connection.value = { state: 'live' }),
    reconnectNow: () => (store.connection.value = { state: 'live' }),
    show: (id) => (store.shown.value = id),
    openRoom: (room) => {
      addModel(store, targetOf('room', room));
      return done();
    },
    closeConversation: (id) => {
      const left = new Map(store.models.value);
      left.delete(id);
      store.models.value = left;
      if (store.shown.value === id) store.shown.value = null;
      return done();
    },
    openDirect: (user) => {
      addModel(store, targetOf('direct', user));
      return done();
    },
    send: (id, text) => {
      const model = store.conversation(id);
      if (model === null || text.trim() === '') return { ok: false, problem: { code: 'nothing-to-send' } };
      for (const line of text.split('\n')) {
        const delivery: Delivery = { state: 'waiting' };
        append(
          model,
          messageRow({
            id: null,
            sendKey: `s${String(++keys)}`,
            author: 'alice',
            isMine: true,
            text: line,
            delivery,
            time: Date.now(),
          }),
        );
        const sendKey = `s${String(keys)}`;
        setTimeout(
          () =>
            changeRow(store, id, (row) => row.sendKey === sendKey, {
              delivery: { state: 'accepted' },
              id: 1000 + keys,
              sendKey: null,
              key: sendKey,
            }),
          400,
        );
      }
      return DONE;
    },
    sendAgain: (id, key) =>
      changeRow(store, id, (row) => row.sendKey === key, { delivery: { state: 'waiting' } }),
    discard: (id, key) => changeRow(store, id, (row) => row.sendKey === key, null),
    setDraft: (id, text) => {
      const model = store.conversation(id);
      if (model !== null) model.draft.value = text;
    },
    edit: (id, message, text) => {
      changeRow(store, id, (row) => row.id === message, { text, edited: Date.now() });
      return done();
    },
    remove: (id, message, reason) => {
      changeRow(store, id, (row) => row.id === message, {
        text: '',
        removed: { by: 'alice', reason: reason ?? '' },
      });
      return done();
    },
    lastEditable: (id) => {
      const rows = store.conversation(id)?.rows.value ?? [];
      const mine = rows.filter(
        (row): row is MessageRow => row.kind === 'message' && row.isMine && row.id !== null,
      );
      return mine.at(-1) ?? null;
    },
    loadOlder: done,
    loadNewer: done,
    jumpToNewest: done,
    follow: () => undefined,
    markRead: (id) => {
      const model = store.conversation(id);
      if (model !== null) model.summary.value = { ...model.summary.value, unread: 0, mentions: 0 };
    },
    loadMembers: done,
    loadInfo: done,
    setTopic: (room, topic) => {
      const model = store.conversation(targetOf('room', room));
      if (model !== null) model.topic.value = topic;
      return done();
    },
    setAccess: done,
    setPost: done,
    invite: done,
    kick: done,
    ban: done,
    unban: done,
    mute: done,
    unmute: done,
    setModerator: done,
    giveRoom: done,
    loadRooms: () => {
      rooms.value = [
        { room: 'garden', members: 5, open: true },
        { room: 'kitchen', members: 2, open: false },
      ];
      return done();
    },
    loadPeople: () => {
      blocked.value ??= [];
      return done();
    },
    followUser: (user) => {
      following.value = [...following.value, user];
      return done();
    },
    unfollowUser: (user) => {
      following.value = following.value.filter((each) => each !== user);
      return done();
    },
    publish: done,
    block: (user) => {
      blocked.value = [...(blocked.value ?? []), user];
      return done();
    },
    unblock: (user) => {
      blocked.value = (blocked.value ?? []).filter((each) => each !== user);
      return done();
    },
    broadcast: done,
    suspend: done,
    unsuspend: done,
    changePassword: done,
    listTickets: () =>
      Promise.resolve({
        ok: true,
        value: [
          {
            id: 't1',
            label: 'Firefox on Linux',
            made: Date.now() - 9 * HOUR,
            used: Date.now(),
            address: '192.0.2.1',
          },
          {
            id: 't2',
            label: 'Safari on iPhone',
            made: 0,
            used: Date.now() - 90 * HOUR,
            address: '2001:db8::17',
          },
          { id: 't3', label: '', made: 0, used: Date.now() - 900 * HOUR, address: '198.51.100.7' },
        ],
      }),
    revokeTicket: done,
    runCommand: () => Promise.resolve<Outcome<CommandAnswer>>({ ok: true, value: { kind: 'done' } }),
    setSettings: (change) => (store.settings.value = { ...store.settings.value, ...change }),
    dismiss: (key) => (store.notices.value = store.notices.value.filter((notice) => notice.key !== key)),
  };
}
