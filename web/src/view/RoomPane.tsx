// About a room: its topic, who is a member, and who may do what.

import { formatDate, formatNumber, t } from '../locales';
import type { ConversationModel, RoomInfo } from '../store/model';
import { Icon, type IconName } from './Icon';
import { MemberRow } from './MemberRow';
import { mayInvite } from './rights';
import { dialog } from './ui';

/** More members are not drawn at once; the search box finds everybody. */
const SHOWN = 300;

export function RoomPane({ model }: { readonly model: ConversationModel }) {
  const topic = model.topic.value;
  return (
    <>
      {topic !== '' && (
        <section class="pane-section">
          <p class="pane-topic" dir="auto">
            {topic}
          </p>
        </section>
      )}
      <Members model={model} />
      <Facts model={model} />
    </>
  );
}

function Members({ model }: { readonly model: ConversationModel }) {
  const members = model.members.value;
  const count = model.memberCount.value;
  return (
    <section class="pane-section">
      <h3>
        {t('room.here')}
        {count !== null && <span>{formatNumber(count)}</span>}
      </h3>
      {members === null ? (
        <p class="note">{t('room.no-members')}</p>
      ) : (
        <ul>
          {members.slice(0, SHOWN).map((member) => (
            <MemberRow key={member.user} member={member} model={model} />
          ))}
        </ul>
      )}
      {members !== null && members.length > SHOWN && (
        <p class="note">{t('event.others', { n: members.length - SHOWN })}</p>
      )}
      {mayInvite(model) && (
        <button
          type="button"
          class="button quiet pane-invite"
          onClick={() => (dialog.value = { kind: 'invite', room: model.name })}
        >
          <Icon name="userPlus" />
          {t('room.invite')}
        </button>
      )}
    </section>
  );
}

function Facts({ model }: { readonly model: ConversationModel }) {
  const info = model.info.value;
  if (!info) return null;
  return (
    <section class="pane-section">
      <h3>{t('room.facts')}</h3>
      <ul class="facts">
        {factsOf(info).map(([icon, text]) => (
          <li key={text}>
            <Icon name={icon} />
            <span>{text}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function factsOf(info: RoomInfo): readonly (readonly [IconName, string])[] {
  const owner = info.owner === null ? t('room.operators') : t('room.owned', { user: info.owner });
  const facts: (readonly [IconName, string])[] = [
    info.access === 'private' ? ['lock', t('room.private')] : ['members', t('room.public')],
    ['user', owner],
  ];
  if (info.post === 'moderators') facts.push(['message', t('composer.moderators')]);
  if (info.created !== null) {
    facts.push(['clock', t('room.made', { time: formatDate(new Date(info.created)) })]);
  }
  return facts;
}
