// The page as a whole: it shows the login, or the conversations, or why there is no session.

import '../styles/index.css';

import { useEffect, useState } from 'preact/hooks';

import type { Store } from '../store/model';
import { StoreContext, useStore } from './context';
import { Door } from './Door';
import { Frame } from './Frame';
import { startPage } from './page';
import { Stopped } from './Stopped';

export function App({ store }: { readonly store: Store }) {
  const [ready, setReady] = useState(false);
  useEffect(() => startPage(store, () => setReady(true)), [store]);
  return <StoreContext.Provider value={store}>{ready && <Page />}</StoreContext.Provider>;
}

function Page() {
  const store = useStore();
  const session = store.session.value;
  const connection = store.connection.value;
  if (session.state === 'checking') return null;
  if (session.state === 'logged-out') return <Door ended={session.problem} />;
  if (connection.state === 'taken-over') return <Stopped problem={null} />;
  if (connection.state === 'refused') return <Stopped problem={connection.problem} />;
  return <Frame />;
}
