// What the user can do with rooms and people: rights, lists, following, blocking, and what operators may.
import { DONE, failed } from '../connection/outcome';
import { command, messagesOf } from '../protocol/lines';
import { targetOf } from '../protocol/target';
import type { Core } from './core';
import { loadInfo } from './effects';
import type { Actions, Outcome } from './model';

export type RoomActions = Pick<
  Actions,
  | 'loadMembers'
  | 'loadInfo'
  | 'setTopic'
  | 'setAccess'
  | 'setPost'
  | 'invite'
  | 'kick'
  | 'ban'
  | 'unban'
  | 'mute'
  | 'unmute'
  | 'setModerator'
  | 'giveRoom'
  | 'listHooks'
  | 'makeHook'
  | 'endHook'
>;

/** The text of a duration and a reason, either of which may be missing. */
function timed(duration: string | undefined, reason: string | undefined): string {
  return [duration, reason].filter((part) => part !== undefined && part !== '').join(' ');
}

export function roomActions(core: Core): RoomActions {
  const { link } = core;
  const run = (name: string, words: readonly string[], text?: string) => link.run(command(name, words, text));
  const room = (name: string) => core.conversation(targetOf('room', name));
  return {
    loadMembers: (name) => {
      const conversation = room(name);
      return conversation === undefined
        ? Promise.resolve(failed('not-connected'))
        : core.loadMembers(conversation);
    },
    loadInfo: (name) => {
      const conversation = room(name);
      const book = core.book.value;
      return conversation === undefined || book === null
        ? Promise.resolve(failed('not-connected'))
        : loadInfo(book, conversation);
    },
    setTopic: (name, topic) => run('topic', [name], topic),
    setAccess: (name, access) => run('access', [name, access]),
    setPost: (name, post) => run('post', [name, post]),
    invite: (name, user) => run('invite', [name, user]),
    kick: (name, user, reason) => run('kick', [name, user], reason),
    ban: (name, user, duration, reason) => run('ban', [name, user], timed(duration, reason)),
    unban: (name, user) => run('unban', [name, user]),
    mute: (name, user, duration) => run('mute', [name, user], duration),
    unmute: (name, user) => run('unmute', [name, user]),
    setModerator: (name, user, moderator) => run(moderator ? 'moderator' : 'unmoderator', [name, user]),
    giveRoom: (name, user) => run('owner', [name, user]),
    listHooks: async (name) => {
      const answer = await link.expect(command('hooks', [name]), 'hooks');
      return answer.ok ? { ok: true, value: answer.value.hooks } : answer;
    },
    makeHook: async (name, label) => {
      const answer = await link.expect(command('hook', [name, label]), 'ok');
      if (!answer.ok) return answer;
      const { value } = answer;
      return value.command === 'hook' ? { ok: true, value: value.url } : failed('unexpected-answer');
    },
    endHook: (name, id) => run('unhook', [name, id]),
  };
}

export type PeopleActions = Pick<
  Actions,
  | 'loadRooms'
  | 'loadPeople'
  | 'followUser'
  | 'unfollowUser'
  | 'publish'
  | 'block'
  | 'unblock'
  | 'broadcast'
  | 'suspend'
  | 'unsuspend'
  | 'changePassword'
  | 'listTickets'
  | 'revokeTicket'
  | 'makeInvitation'
  | 'listInvitations'
  | 'endInvitation'
>;

export function peopleActions(core: Core): PeopleActions {
  const { link } = core;
  const run = (name: string, words: readonly string[], text?: string) => link.run(command(name, words, text));
  return {
    loadRooms: async () => {
      const answer = await link.expect(command('rooms'), 'rooms');
      if (!answer.ok) return answer;
      core.listing.value = answer.value.rooms;
      return DONE;
    },
    loadPeople: () => loadPeople(core),
    followUser: (user) => run('subscribe', [user]),
    unfollowUser: (user) => run('unsubscribe', [user]),
    publish: async (text) => {
      const lines = messagesOf(text);
      if (lines.length === 0) return failed('nothing-to-send');
      for (const line of lines) {
        const outcome = await run('publish', [], line);
        if (!outcome.ok) return outcome;
      }
      return DONE;
    },
    block: (user) => run('block', [user]),
    unblock: (user) => run('unblock', [user]),
    broadcast: (text) => run('broadcast', [], text.replace(/\s*[\r\n]+\s*/gu, ' ')),
    suspend: (user, duration, reason) => run('suspend', [user], timed(duration, reason)),
    unsuspend: (user) => run('unsuspend', [user]),
    changePassword: async (old, wanted) => {
      const outcome = await run('passwd', [old, wanted]);
      const user = core.book.value?.me;
      if (!outcome.ok || user === undefined) return outcome;
      // The ticket of this browser is void too. Without another one the next session asks for the password.
      const account = { user, password: wanted, register: false, invite: null };
      await link.order({ do: 'log-in', ...account, goesOn: true });
      return outcome;
    },
    listTickets: async () => {
      const answer = await link.expect(command('tickets'), 'tickets');
      if (!answer.ok) return answer;
      const tickets = answer.value.tickets.map(({ id, label, made, used, address }) => {
        return { id, label, made, used: used ?? made, address: address ?? '' };
      });
      return { ok: true, value: tickets.sort((a, b) => b.used - a.used) };
    },
    revokeTicket: (id) => run('revoke', [id]),
    makeInvitation: async (rooms) => {
      const answer = await link.expect(command('invitation', rooms), 'ok');
      if (!answer.ok) return answer;
      const { value } = answer;
      return value.command === 'invitation' ? { ok: true, value: value.code } : failed('unexpected-answer');
    },
    listInvitations: async () => {
      const answer = await link.expect(command('invitations'), 'invitations');
      return answer.ok ? { ok: true, value: answer.value.invitations } : answer;
    },
    endInvitation: (id) => run('uninvite', [id]),
  };
}

async function loadPeople({ link, book }: Core): Promise<Outcome> {
  const [followers, blocks] = await Promise.all([
    link.expect(command('subscribers'), 'subscribers'),
    link.expect(command('blocks'), 'blocks'),
  ]);
  const { value } = book;
  if (value === null) return failed('not-connected');
  if (followers.ok) value.followers.value = followers.value.users;
  if (blocks.ok) value.blocked.value = blocks.value.users;
  if (!followers.ok) return followers;
  return blocks.ok ? DONE : blocks;
}
