// All pages and dialogs, each with the way to it. The test of the pages opens every one of them.
import type { Page } from 'playwright-core';
import type { Connection, Session } from '../../src/store/model';
import type { Dialog, Pane } from '../../src/view/ui';
import type { Size } from './browser';
import {
  allNotices,
  aloneInLobby,
  aloneOperator,
  bots,
  emptyRoom,
  hostileTexts,
  longNames,
  manyMessages,
  ownPrivateRoom,
} from './states';

export interface Scene {
  readonly name: string;
  readonly size: Size;
  readonly dark?: boolean;
  readonly hash?: string;
  readonly go?: (page: Page) => Promise<unknown>;
}

const DESKTOP: Size = { width: 1440, height: 900 };
const PHONE: Size = { width: 390, height: 844 };
const NARROW: Size = { width: 320, height: 640 };

const press = (name: string) => (page: Page) => page.getByRole('button', { name }).first().click();
const type = (text: string) => (page: Page) => page.locator('.composer textarea').pressSequentially(text);
const session = (value: Session) => (page: Page) =>
  page.evaluate((next) => void (window.store.session.value = next), value);
const connection = (value: Connection) => (page: Page) =>
  page.evaluate((next) => void (window.store.connection.value = next), value);
const open = (value: Dialog) => async (page: Page) => {
  await page.evaluate((next) => void (window.ui.dialog.value = next), value);
  // Its part of the program may come late.
  await page.locator('dialog[open]').waitFor();
};
const pane = (value: Pane) => (page: Page) =>
  page.evaluate((next) => void (window.ui.pane.value = next), value);
const state = (change: () => void) => (page: Page) => page.evaluate(change);

function inOrder(...steps: readonly ((page: Page) => Promise<unknown>)[]) {
  return async (page: Page) => {
    for (const step of steps) await step(page);
  };
}

const loggedOut = session({ state: 'logged-out', problem: null });
const wrongPassword = inOrder(loggedOut, async (page) => {
  await page.getByLabel('Name').fill('alice');
  await page.getByLabel('Password', { exact: true }).fill('wrong');
  await page.keyboard.press('Enter');
});
const switcher = (text: string) => async (page: Page) => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type(text);
};
const onMessage = (page: Page) => page.getByText('can you take the watering').hover();
const ban: Dialog = { kind: 'user-act', room: 'garden', act: 'ban', user: 'dmitri' };
const help: Dialog = {
  kind: 'answer',
  line: '/help',
  answer: {
    kind: 'help',
    commands: [
      { usage: '/join <room>', help: 'enter a room; it is made on demand' },
      { usage: '/backlog <target> [before <id>|after <id>] [count]', help: 'show older or newer messages' },
    ],
  },
};
const rooms: Dialog = {
  kind: 'answer',
  line: '/rooms',
  answer: { kind: 'rooms', rooms: [{ room: 'kitchen', members: 1, open: false }] },
};

/** Scenes of the same look at the given size. */
function at(size: Size, scenes: Readonly<Record<string, Scene['go'] | null>>, suffix = ''): Scene[] {
  return Object.entries(scenes).map(([name, go]) => ({ name: name + suffix, size, ...(go ? { go } : {}) }));
}

const dialogs = {
  'settings': open({ kind: 'settings' }),
  'sessions': open({ kind: 'sessions' }),
  'invitations': open({ kind: 'invitations' }),
  'hooks': open({ kind: 'hooks', room: 'garden' }),
  'hook-made': inOrder(open({ kind: 'hooks', room: 'garden' }), async (page) => {
    await page.getByLabel('Name of the bot').fill('grafana');
    await page.keyboard.press('Enter');
    await page.getByLabel('Address', { exact: true }).waitFor();
  }),
  'help': open({ kind: 'shortcuts' }),
  'ban': open(ban),
  'answer-help': open(help),
  'switcher': switcher('ga'),
};

export const SCENES: readonly Scene[] = [
  ...at(DESKTOP, {
    ...dialogs,
    'room': null,
    'switcher-empty': switcher(''),
    'switcher-nothing': switcher('äöü!'),
    'message-actions': onMessage,
    'message-menu': inOrder(onMessage, (page) =>
      page.getByRole('button', { name: 'More', exact: true }).click(),
    ),
    'edit': inOrder(type(''), (page) => page.keyboard.press('ArrowUp')),
    'room-menu': inOrder(state(ownPrivateRoom), press('What you can do here')),
    'member-menu': inOrder(state(ownPrivateRoom), press('Actions for dmitri')),
    'my-menu': inOrder(
      state(() => void (window.store.isOperator.value = true)),
      press('My account'),
    ),
    'unban': open({ kind: 'user-act', room: 'garden', act: 'unban', user: '' }),
    'remove': inOrder(onMessage, press('Remove')),
    'hook-end': inOrder(open({ kind: 'hooks', room: 'garden' }), press('End grafana')),
    'leave': open({ kind: 'leave', room: 'garden' }),
    'publish': open({ kind: 'publish' }),
    'broadcast': open({ kind: 'broadcast' }),
    'suspend': open({ kind: 'suspend', user: 'dmitri' }),
    'invite': open({ kind: 'invite', room: 'garden' }),
    'topic': open({ kind: 'topic', room: 'garden' }),
    'follow': open({ kind: 'person', purpose: 'follow' }),
    'answer-rooms': open(rooms),
    'person': pane({ kind: 'person', user: 'dmitri' }),
    'waiting': connection({ state: 'waiting', seconds: 3, problem: { code: 'server-shutdown' } }),
    'behind': connection({ state: 'behind' }),
    'taken-over': connection({ state: 'taken-over' }),
    'suspended': connection({ state: 'refused', problem: { code: 'suspended' } }),
    'login': loggedOut,
    'notices': state(allNotices),
    'complete-user': type('hello @'),
    'complete-command': type('/t'),
    'complete-emoji': type('good :th'),
    'too-long': (page) => page.locator('.composer textarea').fill('x'.repeat(5000)),
    'lines': (page) => page.locator('.composer textarea').fill('one\ntwo\nthree'),
    'hostile': state(hostileTexts),
    'long-names': state(longNames),
    'many': state(manyMessages),
    'nothing-chosen': state(() => void (window.store.shown.value = null)),
    'alone': state(aloneInLobby),
    'alone-operator': state(aloneOperator),
    'empty-room': state(emptyRoom),
    'bots': state(bots),
    'german': state(() => window.store.actions.setSettings({ language: 'de' })),
  }),
  ...at(DESKTOP, { bots: state(bots) }, '-dark').map((scene) => ({ ...scene, dark: true })),
  ...at(NARROW, { 'bots': state(bots), 'alone-operator': state(aloneOperator) }, '-narrow'),
  { name: 'feed', size: DESKTOP, hash: '#/feed/erin' },
  { name: 'direct', size: DESKTOP, hash: '#/direct/bob' },
  ...at(DESKTOP, { ...dialogs, room: null, login: wrongPassword, notices: state(allNotices) }, '-dark').map(
    (scene) => ({ ...scene, dark: true }),
  ),
  ...at(
    PHONE,
    {
      'room': null,
      'list': press('Back to the list'),
      'room-pane': pane({ kind: 'room' }),
      'person': pane({ kind: 'person', user: 'bob' }),
      'ban': open(ban),
      'switcher': switcher('kit'),
      'offline': connection({ state: 'offline' }),
      'login': wrongPassword,
      'hostile': state(hostileTexts),
    },
    '-phone',
  ),
  ...at(
    NARROW,
    {
      ...dialogs,
      'room': null,
      'list': press('Back to the list'),
      'register': inOrder(loggedOut, press('Make an account')),
      'hostile': state(hostileTexts),
      'long-names': state(longNames),
      'notices': state(allNotices),
    },
    '-narrow',
  ),
  { name: 'room-tablet', size: { width: 820, height: 1180 } },
  { name: 'room-wide', size: { width: 3840, height: 2160 } },
  { name: 'room-zoomed', size: { width: 720, height: 450 } },
];
