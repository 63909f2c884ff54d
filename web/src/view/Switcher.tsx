// The search box for everything: goes to a conversation, opens or makes a room, writes to a person.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { t } from '../locales';
import { Dialog } from './Dialog';
import { useMe, useStore } from './context';
import { closeDialog } from './FormDialog';
import { Icon } from './Icon';
import { SwitcherOption } from './SwitcherOption';
import { findTargets, type Target } from './targets';
import { useTell } from './useTell';

export function Switcher({ query }: { readonly query: string }) {
  const store = useStore();
  const me = useMe();
  const tell = useTell();
  const [text, setText] = useState(query);
  const [chosen, setChosen] = useState(0);
  useEffect(() => void store.actions.loadRooms(), []);
  const { conversations, rooms, knownUsers } = store;
  const found = useMemo(
    () =>
      findTargets(text, {
        conversations: conversations.value,
        rooms: rooms.value,
        users: knownUsers.value,
        me,
      }),
    [text, conversations.value, rooms.value, knownUsers.value, me],
  );
  const at = Math.min(chosen, found.length - 1);
  const go = (target: Target | undefined) => {
    if (!target) return;
    closeDialog();
    if (target.action === 'show') store.actions.show(target.id);
    else if (target.action === 'write') void tell(store.actions.openDirect(target.name));
    else void tell(store.actions.openRoom(target.name));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (event.key === 'ArrowDown') setChosen((at + 1) % Math.max(1, found.length));
    else if (event.key === 'ArrowUp') setChosen((at + found.length - 1) % Math.max(1, found.length));
    else if (event.key === 'Enter') go(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={t('switcher.title')} onClose={closeDialog} size="top" bare>
      <SearchField
        text={text}
        at={at}
        onText={(value) => {
          setText(value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <Results found={found} at={at} loading={rooms.value === null} onGo={go} />
      <footer class="switcher-foot" aria-hidden="true">
        <span>
          <kbd>↑</kbd> <kbd>↓</kbd> {t('switcher.keys-move')}
        </span>
        <span>
          <kbd>Enter</kbd> {t('switcher.keys-go')}
        </span>
        <span>{t('switcher.help')}</span>
      </footer>
    </Dialog>
  );
}

interface FieldProps {
  readonly text: string;
  readonly at: number;
  readonly onText: (text: string) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

function SearchField({ text, at, onText, onKeyDown }: FieldProps) {
  return (
    <div class="switcher-search">
      <Icon name="search" />
      <input
        data-first
        value={text}
        placeholder={t('switcher.placeholder')}
        aria-label={t('switcher.title')}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        dir="auto"
        role="combobox"
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls="switcher-list"
        aria-activedescendant={at >= 0 ? `switcher-${String(at)}` : undefined}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}

interface ResultsProps {
  readonly found: readonly Target[];
  readonly at: number;
  /** Whether rooms may be missing that the server has. */
  readonly loading: boolean;
  readonly onGo: (target: Target) => void;
}

function Results({ found, at, loading, onGo }: ResultsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [at, found]);
  return (
    <>
      <div ref={list} id="switcher-list" class="switcher-list" role="listbox" aria-label={t('switcher.list')}>
        {found.map((target, index) => (
          <SwitcherOption
            key={target.action + target.id}
            target={target}
            index={index}
            chosen={index === at}
            onGo={onGo}
          />
        ))}
      </div>
      {found.length === 0 && (
        <p class="switcher-none" role="status">
          {t(loading ? 'sessions.loading' : 'switcher.nothing')}
        </p>
      )}
    </>
  );
}
