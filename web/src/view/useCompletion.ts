// Completion in the composer: loads it when something is typed that can be completed, and shows what it offers.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { ConversationModel } from '../store/model';
import type { Completer, Offer } from './completer';
import { useStore } from './context';
import { completion, type Completing } from './part';

export interface CompletionState {
  /** The part of the page that draws what is offered; null as long as nothing is. */
  readonly part: Completing | null;
  readonly offer: Offer | null;
  readonly take: (index: number) => void;
  readonly look: () => void;
  readonly close: () => void;
  /** True if the key belongs to the completion. */
  readonly onKey: (event: KeyboardEvent) => boolean;
}

/** A word before the cursor that may be completed as it is typed. */
const SIGNED = /(?:^\/|[@#:])[\w+-]*$/;

export function useCompletion(
  model: ConversationModel,
  field: { readonly current: HTMLTextAreaElement | null },
  write: (text: string) => void,
): CompletionState {
  const store = useStore();
  const [offer, show] = useState<Offer | null>(null);
  const completer = useRef<Completer | null>(null);
  const moveTo = useCursor(field);
  const fill = (text: string, cursor: number) => {
    moveTo(cursor);
    write(text);
  };
  const withCompleter = async (then: (completer: Completer) => void) => {
    try {
      const { Completer } = await completion.load();
      completer.current ??= new Completer({ store, model, area: () => field.current, show, write: fill });
      then(completer.current);
    } catch (error) {
      // Without this part everything can be written as well.
      console.warn('a part of the page cannot be loaded', error);
    }
  };
  const before = () => field.current?.value.slice(0, field.current.selectionStart) ?? '';
  const tab = (): boolean => {
    const word = /(?:^|\s)(\w[\w-]*)$/.exec(before())?.[1]?.toLowerCase();
    const members = (model.members.peek() ?? []).map((member) => member.user);
    const known = [...members, ...store.knownUsers.peek()];
    if (word === undefined || !known.some((user) => user.startsWith(word))) return false;
    void withCompleter((loaded) => void loaded.tab());
    return true;
  };
  return {
    part: offer && completion.module.value,
    offer,
    take: (index) => {
      const option = offer?.options[index];
      if (option) completer.current?.take(offer.query, option);
    },
    look: () => {
      if (completer.current || SIGNED.test(before())) void withCompleter((loaded) => loaded.look());
    },
    close: () => show(null),
    onKey: (event) => {
      if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false;
      if (offer) return completer.current?.onKey(event.key, offer) ?? false;
      return event.key === 'Tab' && tab();
    },
  };
}

/** Puts the cursor behind what was inserted, after the field shows it. */
function useCursor(field: { readonly current: HTMLTextAreaElement | null }): (place: number) => void {
  const wanted = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    field.current?.setSelectionRange(wanted.current, wanted.current);
    wanted.current = null;
  });
  return (place) => (wanted.current = place);
}
