// One row of the list, whatever it is.

import { formatDay, t } from '../locales';
import type { ConversationModel, Row } from '../store/model';
import { useStore } from './context';
import { EventLine } from './EventLine';
import { Invitation } from './Invitation';
import { Message } from './Message';

interface Props {
  readonly row: Row;
  readonly rows: readonly Row[];
  readonly index: number;
  readonly model: ConversationModel;
  readonly active: boolean;
  readonly onActive: (key: string) => void;
}

export function LogRow(props: Props) {
  const { row } = props;
  return (
    <div class="log-row" data-key={row.key} data-id={row.kind === 'message' ? (row.id ?? undefined) : undefined}>
      <Content {...props} />
    </div>
  );
}

function Content({ row, rows, index, model, active, onActive }: Props) {
  switch (row.kind) {
    case 'message':
      return <Message row={row} rows={rows} index={index} model={model} active={active} onActive={onActive} />;
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
