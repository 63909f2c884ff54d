// Completion in the composer: when it opens, what it offers, and which keys choose.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { ConversationModel, Store } from '../store/model';
import { bareQueryAt, completed, matching, queryAt, type Candidate, type Query } from '../text/complete';
import { useStore } from './context';

export interface CompletionState {
  readonly options: readonly Candidate[];
  /** The index of the chosen option. */
  readonly at: number;
  readonly take: (option: Candidate) => void;
  readonly look: () => void;
  readonly close: () => void;
  /** True if the key belongs to the completion. */
  readonly onKey: (event: KeyboardEvent) => boolean;
}

interface Open {
  readonly query: Query;
  readonly options: readonly Candidate[];
  readonly at: number;
}

export function useCompletion(
  model: ConversationModel,
  field: { readonly current: HTMLTextAreaElement | null },
  write: (text: string) => void,
): CompletionState {
  const store = useStore();
  const [open, setOpen] = useState<Open | null>(null);
  const latest = useRef(0);
  const cursor = useCursor(field);

  const offer = async (query: Query | null): Promise<Open | null> => {
    const turn = ++latest.current;
    const all = query && (await candidates(query, store, model));
    if (turn !== latest.current) return null;
    const options = query && all ? matching(all, query.prefix) : [];
    const next =
      query && options.length > 0 && !isFinished(query, options) ? { query, options, at: 0 } : null;
    setOpen(next);
    return next;
  };
  const insert = (query: Query, option: Candidate) => {
    const next = completed(field.current?.value ?? '', query, option.insert);
    cursor.moveTo(next.cursor);
    write(next.text);
    setOpen(null);
  };
  const look = () => {
    const area = field.current;
    if (area)
      void offer(area.selectionStart === area.selectionEnd ? queryAt(area.value, area.selectionStart) : null);
  };
  const tab = (): boolean => {
    const area = field.current;
    const query = area && bareQueryAt(area.value, area.selectionStart);
    if (!query) return false;
    const known = [...(model.members.peek() ?? []).map((member) => member.user), ...store.knownUsers.peek()];
    if (!known.some((user) => user.startsWith(query.prefix))) return false;
    void offer(query).then((next) => {
      const only = next?.options.length === 1 ? next.options[0] : undefined;
      if (only) insert(query, only);
    });
    return true;
  };
  return {
    options: open?.options ?? [],
    at: open?.at ?? 0,
    take: (option) => open && insert(open.query, option),
    look,
    close: () => setOpen(null),
    onKey: (event) => {
      if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
      if (!open) return event.key === 'Tab' && tab();
      return choose(event.key, open, setOpen, insert);
    },
  };
}

/** What may be completed. The lists are loaded when something is typed that asks for them. */
async function candidates(
  query: Query,
  store: Store,
  model: ConversationModel,
): Promise<readonly Candidate[]> {
  try {
    const { candidatesFor } = await import('./candidates');
    return await candidatesFor(query.kind, store, model);
  } catch (error) {
    console.warn('a part of the page cannot be loaded', error);
    return [];
  }
}

/** What is typed already needs no list. */
function isFinished(query: Query, options: readonly Candidate[]): boolean {
  const exact = query.kind !== 'emoji' && options[0]?.name === query.prefix;
  return exact && (options.length === 1 || query.kind === 'command');
}

function choose(
  key: string,
  open: Open,
  setOpen: (open: Open | null) => void,
  insert: (query: Query, option: Candidate) => void,
): boolean {
  const count = open.options.length;
  const chosen = open.options[open.at];
  if (key === 'ArrowDown') setOpen({ ...open, at: (open.at + 1) % count });
  else if (key === 'ArrowUp') setOpen({ ...open, at: (open.at + count - 1) % count });
  else if (key === 'Escape') setOpen(null);
  else if ((key === 'Enter' || key === 'Tab') && chosen) insert(open.query, chosen);
  else return false;
  return true;
}

/** Puts the cursor behind what was inserted, after the field shows it. */
function useCursor(field: { readonly current: HTMLTextAreaElement | null }) {
  const wanted = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    field.current?.setSelectionRange(wanted.current, wanted.current);
    wanted.current = null;
  });
  return { moveTo: (place: number) => (wanted.current = place) };
}
