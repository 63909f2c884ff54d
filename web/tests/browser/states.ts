// States of the store that a server seldom brings about, for the tests that look at the page. Each function runs in the page.

/** Ten thousand messages of three authors. */
export function manyMessages(): void {
  const { store, messageRow } = window;
  const authors = ['bob', 'carol', 'dmitri'];
  const start = Date.now() - 10_000 * 60_000;
  const model = store.conversation('#garden');
  if (!model) return;
  model.rows.value = Array.from({ length: 10_000 }, (_, index) =>
    messageRow({
      id: index + 1,
      author: authors[Math.floor(index / 3) % 3] ?? '',
      startsGroup: index % 3 === 0,
      time: start + index * 60_000,
      text: `Message ${String(index + 1)} ${'a few words more '.repeat(index % 13)}`,
    }),
  );
}

/** Texts that try to break the page, names and topics as long as they can be. */
export function hostileTexts(): void {
  const { store, messageRow } = window;
  const model = store.conversation('#garden');
  if (!model) return;
  const zalgo = `Z${'\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308'.repeat(12)}`;
  const texts: readonly (readonly [author: string, text: string])[] = [
    ['bob', 'W'.repeat(4096)],
    ['carol', `${zalgo}algo ${zalgo}${zalgo}${zalgo} and after`],
    ['dmitri', '\u202eevil reversed text \u2066isolated and never closed'],
    [
      'a'.repeat(32),
      '<script>alert(1)</script> <img src=x onerror=alert(1)> javascript:alert(1) [x](javascript:alert(1))',
    ],
    ['erin', 'שלום עולם, זה טקסט מימין לשמאל עם `code` ו https://example.org/'],
    ['erin', `https://example.org/${'x'.repeat(600)}`],
    ['frank', '\u200b\u200d\ufeff'],
    ['frank', `${'> '.repeat(500)}quotes`],
    ['gus', `${'**'.repeat(900)}stars${'_*'.repeat(400)}`],
  ];
  model.rows.value = [
    ...texts.map(([author, text], index) => messageRow({ id: index + 1, author, text, edited: Date.now() })),
    {
      kind: 'moderation',
      key: 'x',
      time: Date.now(),
      by: 'b'.repeat(32),
      action: 'ban',
      user: 'c'.repeat(32),
      until: null,
      reason: `\u202e${'r'.repeat(400)}`,
    },
    { kind: 'topic', key: 'y', time: Date.now(), by: 'bob', text: `\u202e${'topic '.repeat(60)}` },
    { kind: 'gap', key: 'g', missing: 40 },
    { kind: 'invitation', key: 'i', time: Date.now(), by: 'bob', to: 'alice', room: 'r'.repeat(64) },
  ];
  model.topic.value = 'T'.repeat(400);
}

/** Long names everywhere. */
export function longNames(): void {
  const { store } = window;
  store.serverName.value = 'The very long name of a house that somebody gave it';
  void store.actions.openRoom(`a-room-${'x'.repeat(50)}`);
  const model = store.conversation(store.shown.value ?? '#garden');
  if (!model) return;
  model.topic.value = 'Topic '.repeat(50);
  model.summary.value = { ...model.summary.value, unread: 12_345, mentions: 3 };
  store.session.value = { state: 'logged-in', user: 'a'.repeat(32) };
}

/** The first user of a server. */
export function aloneInLobby(): void {
  const { store } = window;
  store.models.value = new Map([...store.models.value].filter(([id]) => id === '#lobby'));
  const model = store.conversation('#lobby');
  if (!model) return;
  model.rows.value = [];
  model.members.value = [{ user: 'alice', isMe: true, role: null, mutedUntil: null }];
  model.info.value = {
    topic: '',
    access: 'public',
    post: 'everyone',
    owner: null,
    moderators: [],
    role: 'member',
    created: null,
  };
  store.shown.value = '#lobby';
}

/** An operator whom nobody has followed yet. */
export function aloneOperator(): void {
  const { store } = window;
  store.models.value = new Map([...store.models.value].filter(([id]) => id === '#lobby'));
  const model = store.conversation('#lobby');
  if (!model) return;
  model.rows.value = [];
  model.role.value = 'operator';
  store.isOperator.value = true;
  store.shown.value = '#lobby';
}

/** A room that I have just made. */
export function emptyRoom(): void {
  void window.store.actions.openRoom('tomatoes');
  const model = window.store.conversation('#tomatoes');
  if (model) model.role.value = 'owner';
}

/** Programs that speak among people. One has the name of the owner. */
export function bots(): void {
  const { store, messageRow } = window;
  const model = store.conversation('#garden');
  if (!model) return;
  const said: readonly (readonly [author: string, isBot: boolean, text: string])[] = [
    ['carol', false, 'Is the greenhouse warm enough?'],
    ['grafana', true, '[FIRING] Cold: greenhouse below 8 °C (instance=east)'],
    ['grafana', true, 'See https://grafana.example/d/greenhouse, @alice'],
    ['carol', true, 'I have the name of the owner, and am none.'],
    ['b'.repeat(32), true, 'A label as long as it can be.'],
  ];
  model.rows.value = said.map(([author, isBot, text], index) =>
    messageRow({
      id: index + 1,
      author,
      isBot,
      text,
      startsGroup: index !== 2,
      mentionsMe: index === 2,
      time: Date.now(),
    }),
  );
}

/** A private room that belongs to me. */
export function ownPrivateRoom(): void {
  const model = window.store.conversation('#garden');
  if (!model?.info.value) return;
  model.role.value = 'owner';
  model.info.value = { ...model.info.value, access: 'private', owner: 'alice', role: 'owner' };
  model.members.value = (model.members.value ?? []).map((member) => ({
    ...member,
    role: member.isMe ? 'owner' : member.user === 'bob' ? 'moderator' : null,
  }));
}

/** One notice of each kind. */
export function allNotices(): void {
  const time = Date.now();
  window.store.notices.value = [
    { key: '1', time, kind: 'broadcast', by: 'root', text: 'The server restarts at ten. It takes a minute.' },
    { key: '2', time, kind: 'invited', by: 'bob', room: 'kitchen' },
    {
      key: '3',
      time,
      kind: 'removed-from-room',
      room: 'board',
      reason: 'wrong room',
      action: 'kick',
      until: null,
    },
    { key: '4', time, kind: 'room-lost', room: 'board', problem: { code: 'banned', until: time + 9e6 } },
  ];
}
