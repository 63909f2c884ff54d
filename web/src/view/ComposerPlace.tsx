// What stands below the messages: the composer, or why nothing can be written here.

import { t } from '../locales';
import type { ConversationModel, Problem } from '../store/model';
import { Composer } from './Composer';
import { useMe, useStore } from './context';
import { problemText } from './problem';
import { moderates } from './rights';
import { useTell } from './useTell';

export function ComposerPlace({ model }: { readonly model: ConversationModel }) {
  const me = useMe();
  const { lost } = model.summary.value;
  if (lost !== null) return <Lost model={model} problem={lost} />;
  if (model.kind === 'feed' && model.name !== me) return <OfFeed user={model.name} />;
  if (model.info.value?.post === 'moderators' && !moderates(model.role.value)) {
    return (
      <div class="composer">
        <p class="composer-closed">{t('composer.moderators')}</p>
      </div>
    );
  }
  return <Composer model={model} />;
}

function Lost({ model, problem }: { readonly model: ConversationModel; readonly problem: Problem }) {
  const store = useStore();
  const tell = useTell();
  return (
    <div class="composer">
      <div class="composer-closed" role="status">
        <span>{t('composer.lost', { reason: problemText(problem) })}</span>
        <button
          type="button"
          class="button quiet"
          onClick={() => void tell(store.actions.openRoom(model.name))}
        >
          {t('composer.lost-again')}
        </button>
        <button
          type="button"
          class="button quiet"
          onClick={() => void tell(store.actions.closeConversation(model.id))}
        >
          {t('composer.forget')}
        </button>
      </div>
    </div>
  );
}

function OfFeed({ user }: { readonly user: string }) {
  const store = useStore();
  const tell = useTell();
  return (
    <div class="composer">
      <div class="composer-closed">
        <span>{t('composer.feed', { user })}</span>
        <button type="button" class="button quiet" onClick={() => void tell(store.actions.openDirect(user))}>
          {t('composer.answer', { user })}
        </button>
      </div>
    </div>
  );
}
