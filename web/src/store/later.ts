// Actions that are loaded when they are used first. All of them wait for the server anyway.
import { failed } from '../connection/outcome';
import type { Changes } from './changes';
import type { Core } from './core';
import type { Actions, Outcome } from './model';
import type { PeopleActions, RoomActions } from './people';

export type LateActions = Changes & RoomActions & PeopleActions & Pick<Actions, 'runCommand'>;
export type EarlyActions = Omit<Actions, keyof LateActions>;

type Call = (...words: readonly unknown[]) => Promise<Outcome<unknown>>;

/**
 * All actions. Those that are not here load themselves, which fails without a connection, or if the server is another
 * version by now.
 */
export function withLate(core: Core, early: EarlyActions): Actions {
  const load = () => import('./late').then(({ moreActions }) => moreActions(core, early));
  let loading: ReturnType<typeof load> | null = null;
  const late =
    (name: keyof LateActions): Call =>
    async (...words) => {
      try {
        loading ??= load();
        const action = (await loading)[name] as unknown as Call;
        return await action(...words);
      } catch {
        loading = null;
        return failed('part-missing');
      }
    };
  return new Proxy(early as Actions, {
    get: (_, name) => (name in early ? early[name as keyof EarlyActions] : late(name as keyof LateActions)),
  });
}
