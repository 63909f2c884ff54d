// A message: who said it and when, its text, how far it is, and what can be done with it.

import { formatFull, formatTime, t } from '../locales';
import type { ConversationModel, MessageRow } from '../store/model';
import type { FencePart } from '../text/fence';
import { authorText } from './author';
import { Avatar } from './Avatar';
import { BotAvatar } from './BotAvatar';
import { DeliveryLine } from './DeliveryLine';
import { MessageActions } from './MessageActions';
import { MessageText } from './MessageText';
import { editing, openProfile } from './ui';
import { useMore } from './part';

export interface MessageProps {
  readonly row: MessageRow;
  readonly fence: FencePart;
  readonly model: ConversationModel;
  readonly active: boolean;
  readonly onActive: (key: string) => void;
}

export function Message({ row, fence, model, active, onActive }: MessageProps) {
  const edited = editing.value === row.key;
  const time = new Date(row.time);
  return (
    <article
      class={classesOf(row, fence, active)}
      tabIndex={-1}
      aria-label={`${authorText(row)}, ${formatTime(time)}`}
      onPointerEnter={(event) => event.pointerType === 'mouse' && onActive(row.key)}
      onClick={() => onActive(row.key)}
      onFocusCapture={() => onActive(row.key)}
    >
      {row.startsGroup ? <Face row={row} /> : <Gutter time={time} />}
      <div class="body">
        {row.startsGroup && <By row={row} model={model} time={time} />}
        {edited ? <Edited row={row} model={model} /> : <MessageText row={row} fence={fence} />}
        <DeliveryLine row={row} model={model} />
      </div>
      {active && !edited && row.removed === null && <MessageActions row={row} model={model} />}
    </article>
  );
}

function Face({ row }: { readonly row: MessageRow }) {
  return row.isBot ? <BotAvatar /> : <Avatar name={row.author} />;
}

/** The box to edit the message, as soon as its part of the page is loaded. */
function Edited({ row, model }: Pick<MessageProps, 'row' | 'model'>) {
  const more = useMore(() => (editing.value = null));
  return more ? <more.EditBox row={row} model={model} /> : <span class="spinner" />;
}

function classesOf(row: MessageRow, fence: FencePart, active: boolean): string {
  const classes = ['message'];
  if (row.startsGroup) classes.push('starts');
  if (active) classes.push('active');
  if (row.mentionsMe) classes.push('mentions-me');
  if (fence !== 'none') classes.push('fenced');
  if (row.delivery.state !== 'accepted') classes.push('pending');
  return classes.join(' ');
}

/** The time beside a message that continues a group; it appears when the message is active. */
function Gutter({ time }: { readonly time: Date }) {
  return (
    <span class="gutter" aria-hidden="true">
      <time title={formatFull(time)}>{formatTime(time)}</time>
    </span>
  );
}

interface ByProps {
  readonly row: MessageRow;
  readonly model: ConversationModel;
  readonly time: Date;
}

function By({ row, model, time }: ByProps) {
  return (
    <div class="by">
      {row.isBot ? <BotName label={row.author} /> : <PersonName user={row.author} model={model} />}
      <time dateTime={time.toISOString()} title={formatFull(time)}>
        {formatTime(time)}
      </time>
    </div>
  );
}

/** A program has no account, and so no profile. */
function BotName({ label }: { readonly label: string }) {
  return (
    <>
      <span class="author">{label}</span>
      <span class="role bot">{t('message.bot')}</span>
    </>
  );
}

function PersonName({ user, model }: { readonly user: string; readonly model: ConversationModel }) {
  const info = model.info.value;
  const role = info?.owner === user ? 'owner' : info?.moderators.includes(user) === true ? 'moderator' : null;
  return (
    <>
      <button type="button" class="author" onClick={() => openProfile(user)}>
        {user}
      </button>
      {role !== null && <span class="role">{t(`role.${role}`)}</span>}
    </>
  );
}
