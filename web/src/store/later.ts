// Actions that are loaded when they are used first: rights, people, typed commands. All of them wait for the server
// anyway.
import { failed } from '../connection/problem';
import type { Core } from './core';
import type { Actions, Outcome } from './model';

/** The names of the actions that `more.ts` gives. */
const NAMES = [
  'loadMembers',
  'loadInfo',
  'setTopic',
  'setAccess',
  'setPost',
  'invite',
  'kick',
  'ban',
  'unban',
  'mute',
  'unmute',
  'setModerator',
  'giveRoom',
  'loadRooms',
  'loadPeople',
  'followUser',
  'unfollowUser',
  'publish',
  'block',
  'unblock',
  'broadcast',
  'suspend',
  'unsuspend',
  'changePassword',
  'listTickets',
  'revokeTicket',
  'runCommand',
] as const;

export type LateActions = Pick<Actions, (typeof NAMES)[number]>;
export type EarlyActions = Omit<Actions, keyof LateActions>;

type Call = (...words: readonly unknown[]) => Promise<Outcome<unknown>>;

/** The actions, which load themselves. Where that fails, there is no connection. */
export function lateActions(core: Core, early: EarlyActions): LateActions {
  const load = () => import('./more').then(({ moreActions }) => moreActions(core, early));
  let loading: ReturnType<typeof load> | null = null;
  const call =
    (name: keyof LateActions): Call =>
    async (...words) => {
      try {
        loading ??= load();
        const action = (await loading)[name] as unknown as Call;
        return await action(...words);
      } catch {
        loading = null;
        return failed('not-connected');
      }
    };
  return Object.fromEntries(NAMES.map((name) => [name, call(name)])) as unknown as LateActions;
}
