// The pane beside the messages: about the room, or about a person.

import { useEffect, useRef } from 'preact/hooks';

import { t } from '../locales';
import type { ConversationModel } from '../store/model';
import { IconButton } from './IconButton';
import { Person } from './Person';
import { RoomPane } from './RoomPane';
import { pane as openPane, WIDE, type Pane as PaneKind } from './ui';

interface Props {
  readonly pane: PaneKind;
  readonly model: ConversationModel | null;
}

export function Pane({ pane, model }: Props) {
  const ref = useRef<HTMLElement>(null);
  const user = pane.kind === 'person' ? pane.user : model?.kind === 'room' ? null : (model?.name ?? null);
  const title = user === null ? t('room.about') : t('person.about', { user });
  useEffect(() => {
    // Over the messages it takes the focus, as a dialog does; beside them it does not.
    const before = document.activeElement;
    if (pane.kind !== 'person' && matchMedia(WIDE).matches) return undefined;
    ref.current?.querySelector<HTMLElement>('.pane-head button')?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [pane]);
  return (
    <aside ref={ref} class="pane" aria-label={title}>
      <div class="pane-head">
        <h2 class="truncate">{user ?? (model && roomTitle(model))}</h2>
        <IconButton icon="close" label={t('pane.close')} onClick={() => closePane(pane, model)} />
      </div>
      <div class="pane-body">
        {user !== null ? (
          <Person key={user} user={user} room={model?.kind === 'room' ? model : null} />
        ) : (
          model && <RoomPane model={model} />
        )}
      </div>
    </aside>
  );
}

/** As in the head, where a lock stands for a private room instead of the sign. */
function roomTitle(model: ConversationModel): string {
  return model.info.value?.access === 'private' ? model.name : `# ${model.name}`;
}

/** From a person one comes back to the room, if the room stood there before. */
function closePane(pane: PaneKind, model: ConversationModel | null): void {
  const back = pane.kind === 'person' && model?.kind === 'room' && matchMedia(WIDE).matches;
  openPane.value = back ? { kind: 'room' } : null;
}
