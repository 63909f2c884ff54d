// The page as a whole: it shows the login, or the conversations.
import type { Store } from '../store/model';

export function App({ store }: { readonly store: Store }) {
  return <h1>{store.serverName}</h1>;
}
