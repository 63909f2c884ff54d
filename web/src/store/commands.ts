// Lines that begin with `/`, as a user types them. Most go to the server as they are. Those that are about "the
// current room" are about the conversation in front: this client is in several rooms, and has no current one.
import { isBot } from '../protocol/bot';
import { command, messagesOf } from '../protocol/lines';
import { isTarget, kindOf, nameOf, targetOf, type ConversationId } from '../protocol/target';
import { wordsOf } from '../protocol/words';
import { failed } from '../connection/outcome';
import type { Answer } from '../protocol/events';
import { say } from './actions';
import type { Core } from './core';
import type { Actions, CommandAnswer, Outcome } from './model';
import { infoOf } from './rights';

type Answered = Outcome<CommandAnswer>;

const DID: Answered = { ok: true, value: { kind: 'done' } };

interface Typed {
  readonly core: Core;
  readonly actions: Omit<Actions, 'runCommand'>;
  readonly id: ConversationId | null;
  /** The room in front; null if it is none. */
  readonly room: string | null;
  readonly line: string;
  /** What stands behind the word of the command. */
  readonly rest: string;
}

function refused(code: string, explanation = ''): Answered {
  return { ok: false, problem: { code, explanation } };
}

async function done(outcome: Outcome | Promise<Outcome>): Promise<Answered> {
  const { ...result } = await outcome;
  return result.ok ? DID : result;
}

/** The first word, and the text behind it. */
function split(rest: string): readonly [string, string] {
  const found = /^\s*(\S+)\s?([\s\S]*)$/u.exec(rest);
  return [found?.[1] ?? '', found?.[2] ?? ''];
}

/** Says something by the outbox, as everything that is said. */
function says(typed: Typed, usage: string, target: (name: string) => ConversationId): Promise<Answered> {
  const [name, text] = split(typed.rest);
  if (name === '' || messagesOf(text).length === 0) return Promise.resolve(refused('bad-argument', usage));
  return done(say(typed.core, target(name.toLowerCase()), messagesOf(text)));
}

const OWN: Readonly<Record<string, (typed: Typed) => Promise<Answered>>> = {
  join: (typed) => OWN['open']?.(typed) ?? Promise.resolve(DID),
  open: ({ actions, rest }) => {
    const [room] = split(rest);
    return room === ''
      ? Promise.resolve(refused('bad-argument', '/open <room>'))
      : done(actions.openRoom(room));
  },
  switch: ({ actions, core, rest }) => {
    const id = targetOf('room', split(rest)[0].toLowerCase());
    if (core.conversation(id) === undefined) return Promise.resolve(refused('not-in-room'));
    actions.show(id);
    return Promise.resolve(DID);
  },
  leave: ({ actions, id }) =>
    id === null ? Promise.resolve(refused('not-in-room')) : done(actions.closeConversation(id)),
  close: ({ actions, id, rest }) => {
    const [room] = split(rest);
    const target = room === '' ? id : targetOf('room', room.toLowerCase());
    return target === null
      ? Promise.resolve(refused('not-in-room'))
      : done(actions.closeConversation(target));
  },
  say: (typed) => says(typed, '/say <room> <text>', (room) => targetOf('room', room)),
  msg: (typed) => says(typed, '/msg <user> <text>', (user) => targetOf('direct', user)),
  read: ({ actions, rest }) => {
    const [target, id] = split(rest);
    if (!isTarget(target) || !/^\d+$/u.test(id.trim()))
      return Promise.resolve(refused('bad-argument', '/read <target> <id>'));
    actions.markRead(target, Number(id));
    return Promise.resolve(DID);
  },
  who: ({ core, room, line, rest }) =>
    ask(core, rest === '' && room !== null ? command('who', [room]) : line),
  history: ({ core, room, rest }) =>
    ask(core, command('backlog', [`#${room ?? 'lobby'}`, ...(rest.trim() === '' ? [] : [rest.trim()])])),
  rooms: async ({ core, actions }) => {
    const outcome = await actions.loadRooms();
    if (!outcome.ok) return outcome;
    const open = (room: string) => core.conversation(targetOf('room', room)) !== undefined;
    const rooms = (core.listing.value ?? []).map((each) => ({ ...each, open: open(each.room) }));
    return { ok: true, value: { kind: 'rooms', rooms } };
  },
  passwd: ({ actions, rest }) => {
    const [old, wanted, ...more] = wordsOf(rest);
    return old === undefined || wanted === undefined || more.length > 0
      ? Promise.resolve(refused('bad-argument', '/passwd <old> <new>'))
      : done(actions.changePassword(old, wanted));
  },
  format: () => Promise.resolve(refused('not-allowed')),
  quit: ({ actions }) => done(actions.logOut()),
};

export function runCommand(core: Core, actions: Omit<Actions, 'runCommand'>): Actions['runCommand'] {
  return (id, typed) => {
    const line = messagesOf(typed)[0] ?? '';
    const found = /^\/(\S+)[ \t]?(.*)$/u.exec(line);
    if (found === null) return Promise.resolve(failed('nothing-to-send'));
    const [, word = '', rest = ''] = found;
    const name = word.toLowerCase();
    const room = id !== null && kindOf(id) === 'room' ? nameOf(id) : null;
    const own = Object.hasOwn(OWN, name) ? OWN[name] : undefined;
    return own === undefined ? ask(core, line) : own({ core, actions, id, room, line, rest });
  };
}

async function ask(core: Core, line: string): Promise<Answered> {
  const outcome = await core.link.request(line, true);
  return outcome.ok ? { ok: true, value: answerOf(outcome.value) } : outcome;
}

function answerOf(answer: Answer): CommandAnswer {
  switch (answer.type) {
    case 'users':
      return { kind: 'users', title: `#${answer.room}`, users: answer.users };
    case 'subscriptions':
    case 'subscribers':
    case 'blocks':
      return { kind: 'users', title: `/${answer.type}`, users: answer.users };
    case 'help':
      return { kind: 'help', commands: answer.commands };
    case 'room':
      return { kind: 'room', room: answer.room, info: infoOf(answer) };
    case 'ok':
      if (answer.command === 'topic' && answer.id === undefined)
        return { kind: 'topic', room: answer.room, topic: answer.topic };
      if (answer.command === 'ticket') return { kind: 'fields', fields: [['ticket', answer.ticket]] };
      if (answer.command === 'hook') return { kind: 'fields', fields: [[answer.label, answer.url]] };
      if (answer.command === 'outhook') return { kind: 'fields', fields: [[answer.url, answer.secret]] };
      if (answer.command === 'invitation') return { kind: 'fields', fields: [['invitation', answer.code]] };
      return { kind: 'done' };
    case 'pong':
      return { kind: 'fields', fields: [['pong', answer.token ?? '']] };
    case 'backlog':
    case 'inbox':
      return {
        kind: 'messages',
        messages: answer.entries.map((each) => {
          return { from: each.from, isBot: isBot(each), text: 'text' in each ? each.text : each.type };
        }),
      };
    case 'history':
      return {
        kind: 'messages',
        messages: answer.messages.map(({ from, bot, text }) => ({ from, isBot: bot === true, text })),
      };
    case 'sync':
      return {
        kind: 'fields',
        fields: [...answer.rooms.map((each) => [`#${each.room}`, String(each.unread)] as const)],
      };
    case 'tickets':
      return { kind: 'fields', fields: answer.tickets.map((each) => [each.id, each.label]) };
    case 'hooks':
      return { kind: 'fields', fields: answer.hooks.map((each) => [each.id, each.url ?? each.label]) };
    case 'invitations':
      return {
        kind: 'fields',
        fields: answer.invitations.map((each) => [each.id, `${each.used.length}/${each.uses}`]),
      };
    case 'rooms':
    case 'error':
      return { kind: 'done' };
  }
}
