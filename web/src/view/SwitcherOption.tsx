// One result of the search box.

import { formatNumber } from '../locales';
import { t } from '../locales';
import { Avatar } from './Avatar';
import { Icon } from './Icon';
import type { Target } from './targets';

interface Props {
  readonly target: Target;
  readonly index: number;
  readonly chosen: boolean;
  readonly onGo: (target: Target) => void;
}

export function SwitcherOption({ target, index, chosen, onGo }: Props) {
  const { unread } = target;
  return (
    <div
      id={`switcher-${String(index)}`}
      role="option"
      class="option"
      aria-selected={chosen}
      onPointerDown={(event) => event.preventDefault()}
      onClick={() => onGo(target)}
    >
      <span class="sigil" aria-hidden="true">
        <Sign target={target} />
      </span>
      <span class="name truncate">{nameOf(target)}</span>
      <span class="detail truncate">{detailOf(target)}</span>
      {unread > 0 && (
        <span class="badge">
          {formatNumber(unread)}
          <span class="visually-hidden"> {t('side.unread', { n: unread })}</span>
        </span>
      )}
    </div>
  );
}

function Sign({ target }: { readonly target: Target }) {
  if (target.action === 'make') return <Icon name="plus" />;
  if (target.kind === 'direct') return <Avatar name={target.name} size="small" />;
  if (target.kind === 'feed') return <Icon name="feed" />;
  return target.isPrivate ? <Icon name="lock" /> : <>#</>;
}

function nameOf(target: Target): string {
  return target.action === 'make' ? t('switcher.make-room', { room: target.name }) : target.name;
}

function detailOf(target: Target): string {
  if (target.action === 'write') return t('switcher.write', { user: target.name });
  if (target.action !== 'open') return '';
  const members = target.members === null ? '' : `${t('head.members', { n: target.members })} · `;
  return members + t('switcher.open-room');
}
