// The page as a whole: it shows the login, or the conversations, or why there is no session.

import '../styles/index.css';

import { useEffect, useState } from 'preact/hooks';

import type { Store } from '../store/model';
import { Broken } from './Broken';
import { StoreContext, useStore } from './context';
import { Frame } from './Frame';
import { Mark } from './Mark';
import { startPage } from './page';
import { door, isBroken, usePart } from './part';

export function App({ store }: { readonly store: Store }) {
  const [ready, setReady] = useState(false);
  useEffect(() => startPage(store, () => setReady(true)), [store]);
  if (isBroken.value) return <Broken />;
  return <StoreContext.Provider value={store}>{ready ? <Page /> : <Splash />}</StoreContext.Provider>;
}

function Page() {
  const { session, connection } = useStore();
  const state = connection.value.state;
  if (session.value.state === 'checking') return <Splash />;
  if (session.value.state === 'logged-in' && state !== 'taken-over' && state !== 'refused') return <Frame />;
  return <Outside />;
}

/** Stands in front of the chat, as soon as its part of the page is loaded. */
function Outside() {
  const { session, connection } = useStore();
  const part = usePart(door, () => (isBroken.value = true));
  if (part === null) return <Splash />;
  if (session.value.state === 'logged-out') return <part.Door ended={session.value.problem} />;
  return <part.Stopped problem={connection.value.state === 'refused' ? connection.value.problem : null} />;
}

/** What index.html shows too, before any script is there. */
function Splash() {
  return (
    <main class="splash">
      <Mark class="card-mark" />
    </main>
  );
}
