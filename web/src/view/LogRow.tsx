// One row of the list, whatever it is. It is drawn again only if it changed.

import { useMemo } from 'preact/hooks';

import { formatDay, language, t } from '../locales';
import type { ConversationModel, Row } from '../store/model';
import type { FencePart } from '../text/fence';
import { useStore } from './context';
import { EventLine } from './EventLine';
import { Invitation } from './Invitation';
import { Message } from './Message';

interface Props {
  readonly row: Row;
  /** What the row is within a block of code. */
  readonly fence: FencePart;
  readonly model: ConversationModel;
  readonly active: boolean;
  readonly onActive: (key: string) => void;
}

export function LogRow({ row, fence, model, active, onActive }: Props) {
  const tag = language.value;
  const content = useMemo(
    () => <Content row={row} fence={fence} model={model} active={active} onActive={onActive} />,
    [row, fence, model, active, onActive, tag],
  );
  const id = row.kind === 'message' ? (row.id ?? undefined) : undefined;
  return (
    <div class="log-row" data-key={row.key} data-id={id}>
      {content}
    </div>
  );
}

function Content({ row, fence, model, active, onActive }: Props) {
  switch (row.kind) {
    case 'message':
      return <Message row={row} fence={fence} model={model} active={active} onActive={onActive} />;
    case 'day':
      return (
        <h3 class="rule">
          <span>{formatDay(new Date(row.time), new Date())}</span>
        </h3>
      );
    case 'new':
      return (
        <h3 class="rule new">
          <span>{t('log.new')}</span>
        </h3>
      );
    case 'gap':
      return <Gap missing={row.missing} model={model} />;
    case 'invitation':
      return <Invitation row={row} />;
    default:
      return <EventLine row={row} room={model.name} />;
  }
}

function Gap({ missing, model }: { readonly missing: number; readonly model: ConversationModel }) {
  const store = useStore();
  return (
    <div class="gap-row">
      <span>{t('log.gap', { n: missing })}</span>
      <button type="button" class="link-button" onClick={() => void store.actions.loadNewer(model.id)}>
        {t('log.load')}
      </button>
    </div>
  );
}
