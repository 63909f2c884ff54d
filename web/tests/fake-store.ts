// A store without a server: a few conversations in memory, to draw and test components against.
// Every action does what a server that agrees would cause; nothing is kept.
import { computed, signal, type Signal } from '@preact/signals';
import { targetOf, type ConversationId } from '../src/protocol/target';
import type {
  Actions,
  Attention,
  CommandAnswer,
  Connection,
  Delivery,
  MessageRow,
  Notice,
  Outcome,
  Person,
  RoomListing,
  Row,
  Session,
  Settings,
} from '../src/store/model';
import {
  DONE,
  HOUR,
  conversationModel,
  messageRow,
  sampleModels,
  type FakeConversation,
  type FakeStore,
} from './fake-models';

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
    jumpToNew: done,
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
    listHooks: () =>
      Promise.resolve({
        ok: true,
        value: [
          { id: 'h1', label: 'grafana', by: 'alice', made: Date.now() - 90 * HOUR },
          { id: 'h2', label: 'b'.repeat(32), by: 'c'.repeat(32), made: Date.now() },
          {
            id: 'h3',
            label: 'outgoing',
            by: 'alice',
            made: Date.now() - HOUR,
            url: `https://bot.example.org/${'garden/'.repeat(9)}`,
          },
        ],
      }),
    makeHook: (room) =>
      Promise.resolve({
        ok: true,
        value: `https://chat.example.org:7878/hooks/${room}.plh_${'0'.repeat(40)}`,
      }),
    endHook: done,
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
    makeInvitation: () => Promise.resolve({ ok: true, value: `pli_${'0'.repeat(40)}` }),
    listInvitations: () =>
      Promise.resolve({
        ok: true,
        value: [
          { id: 'i1', by: 'alice', expires: Date.now() + 9 * HOUR, uses: 1, used: [], rooms: ['garden'] },
          { id: 'i2', by: 'alice', expires: Date.now(), uses: 1, used: ['bob'], rooms: [] },
        ],
      }),
    endInvitation: done,
    revokeTicket: done,
    runCommand: () => Promise.resolve<Outcome<CommandAnswer>>({ ok: true, value: { kind: 'done' } }),
    setSettings: (change) => (store.settings.value = { ...store.settings.value, ...change }),
    dismiss: (key) => (store.notices.value = store.notices.value.filter((notice) => notice.key !== key)),
  };
}
