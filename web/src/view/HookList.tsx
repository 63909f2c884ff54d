// The hooks that a room has, each with a button that ends it.

import { useEffect, useState } from 'preact/hooks';

import { formatBrief, t } from '../locales';
import type { Hook, Outcome } from '../store/model';
import { BotAvatar } from './BotAvatar';
import { useStore } from './context';
import { problemText } from './problem';

interface Props {
  readonly room: string;
  readonly onEnd: (hook: Hook) => void;
}

export function HookList({ room, onEnd }: Props) {
  const store = useStore();
  const [hooks, setHooks] = useState<Outcome<readonly Hook[]> | null>(null);
  const load = () => void store.actions.listHooks(room).then(setHooks);
  useEffect(load, []);
  if (hooks === null) return <p class="note">{t('sessions.loading')}</p>;
  if (!hooks.ok) {
    return (
      <p class="wrong" role="alert">
        {problemText(hooks.problem)}{' '}
        <button type="button" class="link-button" onClick={load}>
          {t('try-again')}
        </button>
      </p>
    );
  }
  if (hooks.value.length === 0) return <p>{t('hooks.none')}</p>;
  return (
    <ul class="table">
      {hooks.value.map((hook) => (
        <li key={hook.id}>
          <BotAvatar />
          <div class="grow">
            <b class="clamped" title={hook.url}>
              {hook.url ?? hook.label}
            </b>
            <span class="note">
              {t(hook.url === undefined ? 'hooks.made-by' : 'hooks.outgoing-made-by', {
                by: hook.by,
                time: formatBrief(new Date(hook.made)),
              })}
            </span>
          </div>
          <button
            type="button"
            class="button quiet danger"
            aria-label={t('sessions.revoke-label', { label: hook.url ?? hook.label })}
            onClick={() => onEnd(hook)}
          >
            {t('sessions.revoke')}
          </button>
        </li>
      ))}
    </ul>
  );
}
