// A line above the conversation that tells what the connection does, with a button where there is something to do.

import { t } from '../locales';
import type { Connection } from '../store/model';
import { useStore } from './context';
import { problemText } from './problem';

export function Banner() {
  const store = useStore();
  const connection = store.connection.value;
  const text = bannerText(connection);
  return (
    <div role="status">
      {text !== null && (
        <div
          class={
            connection.state === 'behind' || connection.state === 'connecting' ? 'banner quiet' : 'banner'
          }
        >
          {connection.state !== 'offline' && connection.state !== 'waiting' && (
            <span class="spinner" aria-hidden="true" />
          )}
          <span aria-hidden={connection.state === 'waiting'}>{text}</span>
          {connection.state === 'waiting' && <span class="visually-hidden">{t('banner.lost')}</span>}
          {connection.state === 'waiting' && (
            <button type="button" class="link-button" onClick={() => store.actions.reconnectNow()}>
              {t('banner.now')}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function bannerText(connection: Connection): string | null {
  switch (connection.state) {
    case 'offline':
      return t('banner.offline');
    case 'connecting':
      return connection.attempt > 1 ? t('banner.connecting') : null;
    case 'waiting': {
      const told = connection.problem && connection.problem.code !== 'connection-lost';
      const why = told ? `${problemText(connection.problem)} ` : '';
      return why + t('banner.waiting', { n: connection.seconds });
    }
    case 'behind':
      return t('banner.behind');
    default:
      return null;
  }
}
