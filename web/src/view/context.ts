// Gives every component the store without passing it through all of them.

import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

import type { Store } from '../store/model';

export const StoreContext = createContext<Store | null>(null);

/** The store of the page. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error('a component stands outside of StoreContext');
  return store;
}

/** The name of the user; empty before the login. */
export function useMe(): string {
  const session = useStore().session.value;
  return session.state === 'logged-in' ? session.user : '';
}
