// One conversation in the side bar, with what is unread in it.

import { useMemo } from 'preact/hooks';

import { formatNumber, language, t } from '../locales';
import type { ConversationSummary } from '../store/model';
import { Avatar } from './Avatar';
import { Icon, type IconName } from './Icon';
import { hrefOf } from './route';

interface Props {
  readonly entry: ConversationSummary;
  readonly current: boolean;
}

/** It is drawn again only if it changed. */
export function SideEntry({ entry, current }: Props) {
  const tag = language.value;
  return useMemo(() => <Entry entry={entry} current={current} />, [entry, current, tag]);
}

function Entry({ entry, current }: Props) {
  const classes = ['side-entry'];
  if (entry.unread > 0 && !entry.muted) classes.push('unread');
  if (entry.muted || entry.lost) classes.push('quieted');
  return (
    <li>
      <a
        class={classes.join(' ')}
        href={hrefOf(entry.id)}
        title={entry.name}
        aria-current={current ? 'page' : undefined}
      >
        <Sigil entry={entry} />
        <span class="name truncate">{entry.name}</span>
        {entry.isPrivate === true && <span class="visually-hidden">{t('side.private')}</span>}
        {entry.hasDraft && !current && <Marked icon="edit" label={t('side.draft')} />}
        {entry.muted && <Marked icon="bellOff" label={t('side.quiet')} />}
        {entry.lost && <Marked icon="warning" label={t('side.lost')} />}
        <Unread entry={entry} />
      </a>
    </li>
  );
}

function Marked({ icon, label }: { readonly icon: IconName; readonly label: string }) {
  return (
    <>
      <Icon name={icon} />
      <span class="visually-hidden">{label}</span>
    </>
  );
}

function Sigil({ entry }: { readonly entry: ConversationSummary }) {
  return (
    <span class="sigil" aria-hidden="true">
      {entry.kind === 'direct' ? (
        <Avatar name={entry.name} size="small" />
      ) : entry.kind === 'feed' ? (
        <Icon name="feed" />
      ) : entry.isPrivate ? (
        <Icon name="lock" />
      ) : (
        '#'
      )}
    </span>
  );
}

function Unread({ entry }: { readonly entry: ConversationSummary }) {
  if (entry.unread === 0) return null;
  const mention = entry.mentions > 0 && !entry.muted;
  const count = entry.unread > 999 ? '999+' : formatNumber(entry.unread);
  const label =
    mention && entry.kind === 'room'
      ? t('side.mentions', { n: entry.mentions })
      : t('side.unread', { n: entry.unread });
  return (
    <span class={mention ? 'badge mention' : 'badge'}>
      <span aria-hidden="true">{mention && entry.kind === 'room' ? `@ ${count}` : count}</span>
      <span class="visually-hidden">{label}</span>
    </span>
  );
}
