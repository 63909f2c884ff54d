// Shows what a typed command answered.

import type { ComponentChildren } from 'preact';

import { t } from '../locales';
import { targetOf } from '../protocol/target';
import type { CommandAnswer } from '../store/model';
import { authorText } from './author';
import { Avatar } from './Avatar';
import { useStore } from './context';
import { Dialog } from './Dialog';
import { closeDialog } from './FormDialog';
import { openProfile } from './ui';

interface Props {
  readonly line: string;
  readonly answer: CommandAnswer;
}

export function AnswerDialog({ line, answer }: Props) {
  return (
    <Dialog title={t('answer.title', { line })} onClose={closeDialog} size="wide">
      <Answer answer={answer} />
    </Dialog>
  );
}

function Answer({ answer }: { readonly answer: CommandAnswer }) {
  switch (answer.kind) {
    case 'done':
      return null;
    case 'help':
      return (
        <dl class="keys help">
          {answer.commands.map(({ usage, help }) => (
            <Pair key={usage} name={<code>{usage}</code>} value={help} />
          ))}
        </dl>
      );
    case 'topic':
      return <p dir="auto">{answer.topic || t('answer.no-topic')}</p>;
    case 'room':
      return <Pairs pairs={Object.entries(answer.info)} />;
    case 'messages':
      return (
        <Pairs
          pairs={answer.messages.map(({ from, isBot, text }) => [authorText({ author: from, isBot }), text])}
        />
      );
    case 'fields':
      return <Pairs pairs={answer.fields} />;
    case 'users':
      return (
        <>
          <h3>{answer.title}</h3>
          <List items={answer.users} render={(user) => <UserItem user={user} />} />
        </>
      );
    case 'rooms':
      return (
        <List
          items={answer.rooms}
          render={({ room, members }) => <RoomItem room={room} members={members} />}
        />
      );
  }
}

interface ListProps<T> {
  readonly items: readonly T[];
  readonly render: (item: T) => ComponentChildren;
}

function List<T>({ items, render }: ListProps<T>) {
  if (items.length === 0) return <p>{t('answer.nothing')}</p>;
  return (
    <ul>
      {items.map((item, index) => (
        <li key={index}>{render(item)}</li>
      ))}
    </ul>
  );
}

function UserItem({ user }: { readonly user: string }) {
  const onClick = () => {
    closeDialog();
    openProfile(user);
  };
  return (
    <button type="button" class="side-entry" onClick={onClick}>
      <Avatar name={user} size="small" />
      <span class="truncate">{user}</span>
    </button>
  );
}

function RoomItem({ room, members }: { readonly room: string; readonly members: number }) {
  const store = useStore();
  const onClick = () => {
    closeDialog();
    if (store.conversation(targetOf('room', room))) store.actions.show(targetOf('room', room));
    else void store.actions.openRoom(room);
  };
  return (
    <button type="button" class="side-entry" onClick={onClick}>
      <span class="sigil">#</span>
      <span class="name truncate">{room}</span>
      <span class="note">{t('head.members', { n: members })}</span>
    </button>
  );
}

function Pairs({ pairs }: { readonly pairs: readonly (readonly [string, unknown])[] }) {
  return (
    <dl class="keys">
      {pairs.map(([name, value], index) => (
        <Pair key={index} name={name} value={shown(value)} />
      ))}
    </dl>
  );
}

function Pair({ name, value }: { readonly name: ComponentChildren; readonly value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd dir="auto">{value}</dd>
    </>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (Array.isArray(value)) return value.map(shown).join(', ') || '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
