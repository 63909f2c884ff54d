// The page of a user who is logged in: side bar, conversation, pane, and what lies above them.

import { t } from '../locales';
import { Banner } from './Banner';
import type { ConversationModel } from '../store/model';
import { useStore } from './context';
import { Dialogs } from './Dialogs';
import { Empty } from './Empty';
import { Notices } from './Notices';
import { front, isBroken, usePart } from './part';
import { Skeleton } from './Skeleton';
import { SideBar } from './SideBar';
import { pane, type Pane } from './ui';

export function Frame() {
  const store = useStore();
  const id = store.shown.value;
  const model = id === null ? null : store.conversation(id);
  const beside = pane.value;
  const hasPane = beside !== null && (model !== null || beside.kind === 'person');
  return (
    <>
      <div class={hasPane ? 'app with-pane' : 'app'} data-view={model ? 'conversation' : 'list'}>
        <button
          type="button"
          class="skip"
          onClick={() => document.querySelector<HTMLElement>('.composer textarea, .log')?.focus()}
        >
          {t('skip')}
        </button>
        <SideBar />
        <main class="main">
          {/* On a phone the side bar with its heading is not there. */}
          <h1 class="visually-hidden phone-title">{store.serverName.value || location.hostname}</h1>
          <Banner />
          {model ? <Front model={model} /> : <Empty />}
        </main>
        {hasPane && <Beside pane={beside} model={model} />}
      </div>
      <Notices />
      <Dialogs />
    </>
  );
}

function Front({ model }: { readonly model: ConversationModel }) {
  const part = useFront();
  if (!part) return <Skeleton />;
  return (
    <>
      <part.Conversation key={model.id} model={model} />
      <part.Announcer />
    </>
  );
}

function Beside({ pane, model }: { readonly pane: Pane; readonly model: ConversationModel | null }) {
  const part = useFront();
  return <>{part && <part.Pane pane={pane} model={model} />}</>;
}

function useFront() {
  return usePart(front, () => (isBroken.value = true));
}
