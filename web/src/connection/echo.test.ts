// What I did, as the others hear it.
import { describe, expect, it } from 'vitest';
import type { Ok } from '../protocol/replies';
import { echoOf } from './echo';

const NOW = Date.UTC(2026, 10, 28);
const written = { time: NOW, from: 'alice' };
const about = { room: 'red', user: 'bob', id: 9 };

function moderated(action: string, fields: object = {}) {
  return {
    type: 'moderated',
    room: 'red',
    id: 9,
    ...written,
    action,
    user: 'bob',
    until: null,
    reason: '',
    ...fields,
  };
}

const cases: [string, Ok, object[]][] = [
  [
    '/once k /say red  two  spaces',
    { command: 'message', room: 'red', id: 5 },
    [{ type: 'message', room: 'red', id: 5, ...written, text: ' two  spaces' }],
  ],
  [
    '//slash',
    { command: 'message', room: 'lobby', id: 5 },
    [{ type: 'message', room: 'lobby', id: 5, ...written, text: '/slash' }],
  ],
  [
    '/once k /msg bob "quoted" text',
    { command: 'msg', user: 'bob', id: 5 },
    [{ type: 'direct', id: 5, ...written, to: 'bob', text: '"quoted" text' }],
  ],
  [
    '/publish the news',
    { command: 'publish', id: 5 },
    [{ type: 'publication', id: 5, ...written, text: 'the news' }],
  ],
  [
    '/edit red 7 better text',
    { command: 'edit', room: 'red', id: 9, of: 7 },
    [{ type: 'edited', room: 'red', id: 9, of: 7, ...written, text: 'better text' }],
  ],
  [
    '/REMOVE  "red"  7 off topic',
    { command: 'remove', room: 'red', id: 9, of: 7 },
    [{ type: 'removed', room: 'red', id: 9, of: 7, ...written, reason: 'off topic' }],
  ],
  ['/topic red', { command: 'topic', room: 'red', topic: 'x' }, []],
  [
    '/topic red y',
    { command: 'topic', room: 'red', topic: 'y', id: 9 },
    [{ type: 'topic', room: 'red', id: 9, ...written, text: 'y' }],
  ],
  ['/kick red bob spam', { command: 'kick', ...about }, [moderated('kick', { reason: 'spam' })]],
  ['/ban red bob', { command: 'ban', ...about }, [moderated('ban')]],
  [
    '/ban red bob 7d spam and more',
    { command: 'ban', ...about },
    [moderated('ban', { until: NOW + 7 * 86_400_000, reason: 'spam and more' })],
  ],
  ['/ban red bob 7days', { command: 'ban', ...about }, [moderated('ban', { reason: '7days' })]],
  ['/mute red bob 10m', { command: 'mute', ...about }, [moderated('mute', { until: NOW + 600_000 })]],
  ['/owner red bob', { command: 'owner', ...about }, [moderated('owner')]],
  [
    '/access red private',
    { command: 'access', room: 'red', access: 'private', id: 9 },
    [moderated('access', { user: null, reason: 'private' })],
  ],
  [
    '/post red moderators',
    { command: 'post', room: 'red', post: 'moderators', id: 9 },
    [moderated('post', { user: null, reason: 'moderators' })],
  ],
  [
    '/retention red 2w',
    { command: 'retention', room: 'red', retention: 1_209_600, id: 9 },
    [moderated('retention', { user: null, reason: '14d' })],
  ],
  [
    '/retention red 90m',
    { command: 'retention', room: 'red', retention: 5400, id: 9 },
    [moderated('retention', { user: null, reason: '90m' })],
  ],
  [
    '/retention red default',
    { command: 'retention', room: 'red', retention: null, id: 9 },
    [moderated('retention', { user: null, reason: 'default' })],
  ],
  [
    '/invite red bob',
    { command: 'invite', ...about, inbox: 3 },
    [moderated('invite'), { type: 'invited', id: 3, ...written, to: 'bob', room: 'red' }],
  ],
  ['/invite red bob', { command: 'invite', ...about, inbox: 0 }, [moderated('invite')]],
  ['/subscribe bob', { command: 'subscribe', user: 'bob' }, []],
];

describe('an echo', () => {
  it.each(cases)('of %s', (line, ok, events) => expect(echoOf('alice', line, ok, NOW)).toEqual(events));
});
