// What a store shows and does, beside the logs: counts, notices, people, drafts, typed commands.
import { beforeEach, describe, expect, it } from 'vitest';
import { Hub } from '../src/connection/hub';
import type { ConversationId } from '../src/protocol/target';
import type { Attention, CommandAnswer, Outcome } from '../src/store/model';
import { chance, settle, TestClock } from './clock';
import { Server } from './server';
import { messagesIn, openTab, rowsOf, textsIn, type Tab } from './tab';

let clock: TestClock;
let server: Server;
let hub: Hub;
let tab: Tab;
let attention: Attention[];

beforeEach(async () => {
  clock = new TestClock();
  server = new Server(clock, chance(7));
  server.addRoom('garden');
  server.addFeed('erin');
  hub = new Hub(server.network, () => undefined);
  tab = openTab(hub, clock);
  attention = [];
  tab.store.onAttention((each) => attention.push(each));
  await pass(2_000);
});

const pass = (ms = 500) => clock.advance(ms);
const summary = (id: ConversationId, of = tab) => of.store.conversation(id)?.summary.value;
const kinds = (id: ConversationId) => rowsOf(tab, id).map((row) => row.kind);

async function says(text: string, room = 'garden'): Promise<void> {
  server.inRoom(room, (id, time) => ({ type: 'message', id, time, from: 'bob', text }));
  await pass();
}

async function moderates(action: string, user: string | null, reason = ''): Promise<void> {
  server.inRoom('garden', (id, time) => ({
    type: 'moderated',
    id,
    time,
    from: 'bob',
    action,
    user,
    until: null,
    reason,
  }));
  await pass();
}

/** The outcome of an action. What carries it out may have to be loaded first, which takes real time. */
async function outcome<T>(promise: Promise<Outcome<T>>): Promise<Outcome<T>> {
  await import('../src/store/late');
  await settle();
  await pass();
  return promise;
}

/** Types a command. What carries it out is loaded first, which takes real time. */
async function run(line: string, id: ConversationId | null = '#garden'): Promise<Outcome<CommandAnswer>> {
  const answer = tab.store.actions.runCommand(id, line);
  await import('../src/store/late');
  await settle();
  return outcome(answer);
}

async function show(id: ConversationId): Promise<void> {
  tab.store.actions.show(id);
  await pass();
}

describe('counts', () => {
  it('tell unread messages, and those that concern me apart', async () => {
    await says('hello');
    await says('hello @alice');
    server.direct('bob', 'psst');
    server.publish('erin', 'alice, news');
    await pass();
    expect(['#garden', '@bob', '+erin'].map((id) => summary(id as ConversationId))).toMatchObject([
      { unread: 2, mentions: 1 },
      { unread: 1, mentions: 1 },
      { unread: 1, mentions: 0 },
    ]);
    expect(tab.store.totals.value).toEqual({ unread: 4, mentions: 2 });
    tab.store.actions.setSettings({ mutedConversations: ['#garden'] });
    expect(tab.store.totals.value).toEqual({ unread: 2, mentions: 1 });
  });

  it('learn from pages who mentioned me before I came', async () => {
    await says('hi alice');
    const other = openTab(hub, clock);
    await pass(2_000);
    expect(summary('#garden', other)).toMatchObject({ unread: 1, mentions: 1 });
  });

  it('fall when I read, in every tab, and at the server', async () => {
    const other = openTab(hub, clock);
    await pass(1_000);
    await says('one alice');
    await says('two alice');
    await show('#garden');
    tab.store.actions.markRead('#garden', 1);
    await pass(300);
    expect([summary('#garden'), summary('#garden', other)]).toMatchObject([
      { unread: 1, mentions: 1 },
      { unread: 1, mentions: 1 },
    ]);
    tab.store.actions.markRead('#garden');
    await pass(2_000);
    expect(summary('#garden', other)).toMatchObject({ unread: 0, mentions: 0 });
    expect(server.log('garden').read).toBe(2);
  });

  it('sort conversations: rooms, directs, feeds; in each the newest activity first', async () => {
    await says('one', 'lobby');
    server.direct('carol', 'first');
    await pass();
    server.direct('bob', 'second');
    await says('two');
    expect(tab.store.conversations.value.map((each) => each.id)).toEqual([
      '#garden',
      '#lobby',
      '@bob',
      '@carol',
      '+erin',
    ]);
  });

  it('tell what arrives below while the view stands elsewhere', async () => {
    await show('#garden');
    tab.store.actions.follow('#garden', false);
    await says('below');
    expect(tab.store.conversation('#garden')?.newBelow.value).toBe(1);
    tab.store.actions.follow('#garden', true);
    expect(tab.store.conversation('#garden')?.newBelow.value).toBe(0);
  });
});

describe('attention', () => {
  it('is called once for what concerns me, by the tab that was looked at last', async () => {
    const other = openTab(hub, clock);
    const there: Attention[] = [];
    other.store.onAttention((each) => there.push(each));
    await pass(1_000);
    await says('hello');
    await says('alice?');
    server.direct('bob', 'psst');
    await pass();
    expect(there.map((each) => each.text)).toEqual(['alice?', 'psst']);
    expect(attention).toEqual([]);
  });

  it('is not called for what I see, or muted, or said myself', async () => {
    await show('#garden');
    await says('alice 1');
    tab.isVisible = false;
    await says('alice 2');
    tab.store.actions.setSettings({ mutedConversations: ['#garden'] });
    await says('alice 3');
    tab.store.actions.send('#lobby', 'I am alice');
    await pass();
    expect(attention.map((each) => each.text)).toEqual(['alice 2']);
  });
});

describe('the new line', () => {
  it('stands where I was away', async () => {
    await says('read');
    tab.store.actions.markRead('#garden');
    await show('#garden');
    await says('seen');
    expect(kinds('#garden')).not.toContain('new');
    tab.store.actions.markRead('#garden');
    tab.isVisible = false;
    await says('missed');
    expect(kinds('#garden')).toEqual(['day', 'message', 'message', 'new', 'message']);
  });

  it('stands where I left, when I come back to a conversation', async () => {
    await show('#lobby');
    await says('missed');
    await show('#garden');
    expect(kinds('#garden')).toEqual(['day', 'new', 'message']);
    tab.store.actions.markRead('#garden');
    await show('#lobby');
    await show('#garden');
    expect(kinds('#garden')).toEqual(['day', 'message']);
  });
});

describe('rooms', () => {
  it('tell members by role, and who comes and goes', async () => {
    await show('#garden');
    const garden = tab.store.conversation('#garden');
    expect(garden?.members.value?.map((each) => [each.user, each.role, each.isMe])).toEqual([
      ['bob', 'owner', false],
      ['alice', null, true],
    ]);
    server.presence('garden', 'zoe', true);
    await pass();
    expect(garden?.members.value?.map((each) => each.user)).toEqual(['bob', 'alice', 'zoe']);
    expect(garden?.memberCount.value).toBe(3);
    expect(kinds('#garden')).toEqual(['day', 'presence']);
    await moderates('mute', 'zoe');
    expect(garden?.members.value?.at(-1)?.mutedUntil).toBe('for-ever');
    server.presence('garden', 'zoe', false);
    await pass();
    expect(garden?.memberCount.value).toBe(2);
    expect(tab.store.knownUsers.value).toEqual(['alice', 'bob', 'erin']);
  });

  it('keep their members while the store asks again, and learn them anew after a connection', async () => {
    await show('#garden');
    const garden = tab.store.conversation('#garden');
    await outcome(tab.store.actions.openRoom('shed'));
    expect(garden?.members.value).toHaveLength(2);
    const asked = () => server.heard.filter((line) => line === '/who garden').length;
    expect(asked()).toBe(1);
    server.drop();
    await pass(5_000);
    await show('#garden');
    expect(asked()).toBe(2);
  });

  it('tell the topic, and that it was set', async () => {
    await show('#garden');
    server.inRoom('garden', (id, time) => ({ type: 'topic', id, time, from: 'bob', text: 'roses' }));
    await pass();
    expect(tab.store.conversation('#garden')?.topic.value).toBe('roses');
    expect(kinds('#garden')).toEqual(['day', 'topic']);
  });

  it('open and close in all tabs', async () => {
    const other = openTab(hub, clock);
    await pass(1_000);
    expect(await outcome(tab.store.actions.openRoom('Shed'))).toMatchObject({ ok: true });
    expect(tab.store.shown.value).toBe('#shed');
    expect(other.store.conversation('#shed')).not.toBeNull();
    await outcome(tab.store.actions.closeConversation('#shed'));
    expect([tab.store.conversation('#shed'), other.store.conversation('#shed')]).toEqual([null, null]);
    expect(tab.store.shown.value).toBeNull();
  });

  it('are gone when I am thrown out, with a notice', async () => {
    await moderates('kick', 'carol');
    expect(tab.store.conversation('#garden')).not.toBeNull();
    await moderates('ban', 'alice', 'spam');
    expect(tab.store.conversation('#garden')).toBeNull();
    const [notice] = tab.store.notices.value;
    expect(notice).toMatchObject({
      kind: 'removed-from-room',
      room: 'garden',
      reason: 'spam',
      action: 'ban',
      until: null,
    });
    tab.store.actions.dismiss(notice?.key ?? '');
    expect(tab.store.notices.value).toEqual([]);
  });

  it('that are lost stay until they are closed', async () => {
    server.lost.push({ room: 'vault', code: 'banned' });
    const other = openTab(hub, clock);
    await pass(1_000);
    expect(summary('#vault', other)?.lost).toEqual({ code: 'banned' });
    expect(other.store.notices.value).toMatchObject([{ kind: 'room-lost', room: 'vault' }]);
    await outcome(other.store.actions.closeConversation('#vault'));
    expect(other.store.conversation('#vault')).toBeNull();
  });

  it('are loaded anew where too much was missed, unless I read elsewhere', async () => {
    for (let n = 0; n < 60; n++) await says(`old ${n}`);
    await show('#garden');
    const missMany = async () => {
      server.drop();
      for (let n = 0; n < 320; n++)
        server.inRoom('garden', (id, time) => ({ type: 'message', id, time, from: 'bob', text: `new ${n}` }));
      await pass(20_000);
    };
    await missMany();
    expect(textsIn(tab, '#garden').at(-1)).toBe('new 319');
    expect(textsIn(tab, '#garden').length).toBeLessThanOrEqual(50);
    const before = textsIn(tab, '#garden');
    tab.store.actions.follow('#garden', false);
    await missMany();
    expect(textsIn(tab, '#garden')).toEqual(before);
    expect(tab.store.conversation('#garden')?.newer.value).toBe('more');
    await outcome(tab.store.actions.jumpToNewest('#garden'));
    expect(messagesIn(tab, '#garden').at(-1)?.id).toBe(700);
  });
});

describe('people', () => {
  it('who are hidden come back when they say something', async () => {
    server.direct('bob', 'one');
    await pass();
    await outcome(tab.store.actions.closeConversation('@bob'));
    expect(tab.store.conversation('@bob')).toBeNull();
    const later = openTab(hub, clock, tab.storage);
    await pass(1_000);
    expect(later.store.conversation('@bob')).toBeNull();
    server.direct('bob', 'two');
    await pass();
    expect(later.store.conversation('@bob')).not.toBeNull();
    await outcome(later.store.actions.openDirect('Carol'));
    expect(later.store.shown.value).toBe('@carol');
  });

  it('invite me, which is told twice: as a notice, and in the conversation', async () => {
    server.invite('bob', 'vault');
    await pass();
    await show('@bob');
    expect(tab.store.notices.value).toMatchObject([{ kind: 'invited', by: 'bob', room: 'vault' }]);
    expect(rowsOf(tab, '@bob').at(-1)).toMatchObject({ kind: 'invitation', by: 'bob', room: 'vault' });
  });

  it('who are operators tell everybody', async () => {
    server.tell({ type: 'notice', time: '2026-11-28T12:00:00.000Z', from: 'root', text: 'soon' });
    await pass();
    expect(tab.store.notices.value).toMatchObject([{ kind: 'broadcast', by: 'root', text: 'soon' }]);
  });

  it('are known as followed', () => {
    expect(tab.store.following.value).toEqual(['erin']);
    expect(tab.store.person('erin').value).toEqual({ user: 'erin', followed: true, blocked: false });
  });
});

describe('my messages', () => {
  it('that are refused stay, and are said again or forgotten', async () => {
    await show('#garden');
    server.refused.add('no');
    tab.store.actions.send('#garden', 'no\nyes');
    await pass();
    const [refused] = messagesIn(tab, '#garden').filter((row) => row.delivery.state === 'refused');
    expect(refused).toMatchObject({ text: 'no', delivery: { problem: { code: 'muted' } } });
    expect(textsIn(tab, '#garden')).toEqual(['yes', 'no']);
    server.refused.clear();
    tab.store.actions.sendAgain('#garden', refused?.sendKey ?? '');
    await pass();
    expect(messagesIn(tab, '#garden').map((row) => row.id)).toEqual([1, 2]);
    server.refused.add('no');
    tab.store.actions.send('#garden', 'no');
    await pass();
    tab.store.actions.discard('#garden', messagesIn(tab, '#garden').at(-1)?.sendKey ?? '');
    await pass();
    expect(textsIn(tab, '#garden')).toEqual(['yes', 'no']);
  });

  it('need to show something, and are not too many', () => {
    const send = (id: ConversationId, text: string) => tab.store.actions.send(id, text);
    expect(send('#garden', ' \n\u200b')).toMatchObject({ problem: { code: 'nothing-to-send' } });
    expect(send('#garden', 'x\n'.repeat(501))).toMatchObject({ problem: { code: 'too-many-waiting' } });
  });

  it('can be edited as long as the server allows', async () => {
    await show('#garden');
    tab.store.actions.send('#garden', 'one\ntwo');
    await pass();
    expect(tab.store.actions.lastEditable('#garden')?.text).toBe('two');
    tab.store.actions.send('#garden', 'three');
    expect(tab.store.actions.lastEditable('#garden'), 'three is on its way').toBeNull();
    await pass();
    expect(tab.store.actions.lastEditable('#garden')?.text).toBe('three');
    await pass(16 * 60_000);
    expect(tab.store.actions.lastEditable('#garden')).toBeNull();
  });

  it('that are written and not sent are kept in the browser', async () => {
    tab.store.actions.setDraft('#garden', 'half a');
    expect(summary('#garden')?.hasDraft).toBe(true);
    const later = openTab(hub, clock, tab.storage);
    await pass(1_000);
    expect(later.store.conversation('#garden')?.draft.value).toBe('half a');
    later.store.actions.setDraft('#garden', '');
    expect([...tab.storage.keys()].filter((key) => key.includes('draft'))).toEqual([]);
  });
});

describe('settings', () => {
  it('are kept, and what is not understood is ignored', () => {
    tab.store.actions.setSettings({ theme: 'dark' });
    const other = openTab(hub, clock, tab.storage);
    expect(other.store.settings.value.theme).toBe('dark');
    other.store.actions.setSettings({ theme: 'light' });
    expect(tab.store.settings.value.theme).toBe('light');
    const broken = new Map([
      ['parlor.settings', '{"theme":"pink","sound":"yes","mutedConversations":["#a",7]}'],
    ]);
    expect(openTab(hub, clock, broken).store.settings.value).toMatchObject({
      theme: 'system',
      sound: true,
      mutedConversations: ['#a'],
    });
    expect(openTab(hub, clock, new Map([['parlor.settings', '[']])).store.settings.value.theme).toBe(
      'system',
    );
  });
});

describe('typed commands', () => {
  it('are about the conversation in front', async () => {
    expect(await run('/who')).toEqual({
      ok: true,
      value: { kind: 'users', title: '#garden', users: ['alice', 'bob'] },
    });
    expect(server.heard).toContain('/who garden');
    await says('something');
    expect(await run('/history 1')).toMatchObject({
      value: { kind: 'messages', messages: [{ from: 'bob', isBot: false, text: 'something' }] },
    });
  });

  it('open, show, say and close by the same ways as the page', async () => {
    expect(await run('/JOIN shed')).toEqual({ ok: true, value: { kind: 'done' } });
    expect(tab.store.shown.value).toBe('#shed');
    await run('/switch garden');
    expect(tab.store.shown.value).toBe('#garden');
    await run('/say shed  two  spaces');
    await run('/msg bob hi');
    expect(server.log('shed').entries).toMatchObject([{ text: ' two  spaces' }]);
    expect(server.heard.some((line) => /^\/once \S+ \/msg bob hi$/u.test(line))).toBe(true);
    await run('/leave', '#shed');
    expect(tab.store.conversation('#shed')).toBeNull();
  });

  it('that the server knows go there, others are refused', async () => {
    expect(await run('/nonsense x')).toMatchObject({ ok: false, problem: { code: 'unknown-command' } });
    expect(await run('/ping token')).toMatchObject({
      value: { kind: 'fields', fields: [['pong', 'token']] },
    });
    expect(await run('/format text')).toMatchObject({ ok: false, problem: { code: 'not-allowed' } });
    expect(await run('/say')).toMatchObject({ ok: false, problem: { code: 'bad-argument' } });
    expect(server.heard.some((line) => line.startsWith('/format'))).toBe(false);
  });

  it('may end the session', async () => {
    await run('/quit');
    expect(tab.store.session.value).toEqual({ state: 'logged-out', problem: null });
    expect(tab.store.conversations.value).toEqual([]);
    expect(server.hasTicket).toBe(false);
  });
});
