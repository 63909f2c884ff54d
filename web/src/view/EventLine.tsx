// A line between the messages: who came and went, a new topic, what a moderator did.

import { formatBrief, formatFull, formatList, isKey, loadTexts, t } from '../locales';
import type { Key } from '../locales/types';
import { isolated } from '../text/isolate';
import type { ModerationRow, PresenceRow, TopicRow } from '../store/model';

/** How many names a line tells before it counts the rest. */
const NAMED = 3;

interface Props {
  readonly row: ModerationRow | PresenceRow | TopicRow;
  readonly room: string;
}

export function EventLine({ row, room }: Props) {
  const text = eventText(row, room);
  if (text === '') return null;
  return (
    <p class="event" title={formatFull(new Date(row.time))}>
      {text}
    </p>
  );
}

function eventText(row: Props['row'], room: string): string {
  switch (row.kind) {
    case 'topic':
      return row.text === ''
        ? t('event.topic-gone', { by: row.by })
        : t('event.topic', { by: row.by, topic: isolated(row.text) });
    case 'presence':
      return presenceText(row);
    case 'moderation':
      return moderationText(row, room);
  }
}

function presenceText({ came, went }: PresenceRow): string {
  const parts: string[] = [];
  if (came.length > 0) parts.push(t('event.came', { names: names(came), n: came.length }));
  if (went.length > 0) parts.push(t('event.went', { names: names(went), n: went.length }));
  return parts.join(' · ');
}

function names(users: readonly string[]): string {
  if (users.length <= NAMED) return formatList(users);
  const rest = users.length - NAMED + 1;
  return formatList([...users.slice(0, NAMED - 1), t('event.others', { n: rest })]);
}

/** What is chosen about a room: the reason is the choice. */
const SETTINGS: ReadonlySet<string> = new Set(['access', 'post', 'retention']);

function moderationText(row: ModerationRow, room: string): string {
  const setting = SETTINGS.has(row.action);
  const chosen = `event.${row.action}-${row.reason}`;
  const wanted = setting && isKey(chosen) ? chosen : `event.${row.action}`;
  const key: Key = isKey(wanted) ? wanted : 'event.other';
  // Few rooms need the words for what moderators do. Until they are here, the action is told by its name.
  if (key !== wanted) void loadTexts('more').catch(() => undefined);
  const sentence = t(key, {
    by: row.by,
    user: row.user ?? '',
    action: row.action,
    room,
    duration: row.reason,
  });
  const until = row.until === null ? '' : ` ${t('event.until', { time: formatBrief(new Date(row.until)) })}`;
  const reason =
    setting || row.reason === '' ? '' : `: ${t('event.reason', { reason: isolated(row.reason) })}`;
  return sentence + until + reason;
}
