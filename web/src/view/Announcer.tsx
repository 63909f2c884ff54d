// Tells a screen reader what arrives in the conversation in front. Many messages at once are only counted.

import { useEffect, useRef } from 'preact/hooks';

import { t } from '../locales';
import type { MessageRow, Store } from '../store/model';
import { authorText } from './author';
import { useStore } from './context';
import { spoken } from './ui';

/** So many messages at once are read aloud; of more only their number. */
const READ = 3;
/** Messages within this time are told together. */
const PAUSE_MS = 700;

export function Announcer() {
  const store = useStore();
  const timer = useRef(0);
  const last = useRef<Heard | null>(null);
  const shown = store.shown.value;
  const rows = shown === null ? null : store.conversation(shown)?.rows.value;
  useEffect(() => {
    if (timer.current !== 0) return;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      last.current = announce(store, last.current);
    }, PAUSE_MS);
  }, [shown, rows]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <div class="visually-hidden" aria-live="polite" aria-atomic="true">
      {spoken.value}
    </div>
  );
}

interface Heard {
  readonly conversation: string;
  readonly id: number;
}

/** Says what is newer than `before`. What was there when the conversation came to the front is not said. */
function announce(store: Store, before: Heard | null): Heard | null {
  const shown = store.shown.peek();
  const model = shown === null ? null : store.conversation(shown);
  if (!model || shown === null || !model.loaded.peek()) return null;
  const all = model.rows.peek().filter((row): row is MessageRow => row.kind === 'message' && row.id !== null);
  const newest = all.at(-1)?.id ?? 0;
  if (before?.conversation === shown) {
    const fresh = all.filter((row) => (row.id ?? 0) > before.id && !row.isMine && row.text !== '');
    if (fresh.length > READ) spoken.value = t('live.many', { n: fresh.length });
    else if (fresh.length > 0)
      spoken.value = fresh.map((row) => `${authorText(row)}: ${row.text}`).join('. ');
  }
  return { conversation: shown, id: Math.max(newest, before?.conversation === shown ? before.id : 0) };
}
