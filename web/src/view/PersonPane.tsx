// About a person: write, follow, block; and what a moderator or an operator may do.

import { useEffect } from 'preact/hooks';

import { t } from '../locales';
import type { ConversationModel } from '../store/model';
import { Avatar } from './Avatar';
import { useMe, useStore } from './context';
import { Icon, type IconName } from './Icon';
import { actsOn } from './rights';
import { hrefOf } from './route';
import { dialog } from './ui';
import { useTell } from './useTell';

interface Props {
  readonly user: string;
  /** The room in front, if one is. */
  readonly room: ConversationModel | null;
}

export function PersonPane({ user, room }: Props) {
  const store = useStore();
  const me = useMe();
  useEffect(() => void store.actions.loadPeople(), [user]);
  return (
    <>
      <div class="profile-top">
        <Avatar name={user} size="large" />
        <h3>{user}</h3>
        <About user={user} />
      </div>
      {user !== me && <Contact user={user} />}
      {user !== me && room && <InRoom user={user} room={room} />}
      <Common user={user} />
      {store.isOperator.value && user !== me && (
        <section class="pane-section pane-actions">
          <Action
            icon="block"
            danger
            label={t('person.suspend')}
            onClick={() => (dialog.value = { kind: 'suspend', user })}
          />
        </section>
      )}
    </>
  );
}

function About({ user }: { readonly user: string }) {
  const store = useStore();
  const me = useMe();
  const person = store.person(user).value;
  if (user === me) return <p class="note">{t('person.self')}</p>;
  return (
    <>
      {person.followed && <p class="note">{t('person.followed', { user })}</p>}
      {store.followers.value?.includes(user) === true && (
        <p class="note">{t('person.follows-you', { user })}</p>
      )}
      {person.blocked && <p class="note">{t('person.blocked', { user })}</p>}
    </>
  );
}

function Contact({ user }: { readonly user: string }) {
  const store = useStore();
  const tell = useTell();
  const { actions } = store;
  const { followed, blocked } = store.person(user).value;
  return (
    <section class="pane-section pane-actions">
      <button type="button" class="button" onClick={() => void tell(actions.openDirect(user))}>
        <Icon name="message" />
        {t('person.message')}
      </button>
      <Action
        icon="feed"
        label={followed ? t('person.unfollow') : t('person.follow')}
        onClick={() => void tell(followed ? actions.unfollowUser(user) : actions.followUser(user))}
      />
      <Action
        icon="block"
        danger={!blocked}
        label={blocked ? t('person.unblock') : t('person.block')}
        onClick={() =>
          blocked ? void tell(actions.unblock(user)) : (dialog.value = { kind: 'block', user })
        }
      />
    </section>
  );
}

function InRoom({ user, room }: { readonly user: string; readonly room: ConversationModel }) {
  const member = room.members.value?.find((each) => each.user === user);
  const acts = member ? actsOn(member, room.role.value, room.name) : [];
  if (acts.length === 0) return null;
  return (
    <section class="pane-section">
      <h3>{t('person.in-room', { room: room.name })}</h3>
      <div class="pane-actions">
        {acts.map((act) => (
          <Action
            key={act}
            danger={act === 'kick' || act === 'ban'}
            label={t(`act.${act}`)}
            onClick={() => (dialog.value = { kind: 'user-act', room: room.name, act, user })}
          />
        ))}
      </div>
    </section>
  );
}

/** The open rooms of which both are members. */
function Common({ user }: { readonly user: string }) {
  const store = useStore();
  const me = useMe();
  const rooms = store.conversations.value.filter((entry) => {
    const members = entry.kind === 'room' ? store.conversation(entry.id)?.members.value : null;
    return members?.some((member) => member.user === user) === true;
  });
  if (rooms.length === 0 || user === me) return null;
  return (
    <section class="pane-section">
      <h3>{t('person.rooms')}</h3>
      <ul>
        {rooms.map((room) => (
          <li key={room.id}>
            <a class="side-entry" href={hrefOf(room.id)}>
              <span class="sigil">#</span>
              <span class="truncate">{room.name}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface ActionProps {
  readonly icon?: IconName;
  readonly label: string;
  readonly danger?: boolean;
  readonly onClick: () => void;
}

function Action({ icon, label, danger, onClick }: ActionProps) {
  return (
    <button type="button" class={danger === true ? 'button quiet danger' : 'button quiet'} onClick={onClick}>
      {icon && <Icon name={icon} />}
      {label}
    </button>
  );
}
