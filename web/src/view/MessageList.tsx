// The messages of a conversation. It follows the end while the reader is there, and stays still while the reader is elsewhere.

import { useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { t } from '../locales';
import type { ConversationModel, Edge, Row } from '../store/model';
import { fenceParts, type FenceLine } from '../text/fence';
import { Beginning } from './Beginning';
import { useStore } from './context';
import { EdgeRow } from './EdgeRow';
import { JumpDown, JumpUp } from './Jump';
import { LogRow } from './LogRow';
import { Skeleton } from './Skeleton';
import { useVirtualList, type VirtualList } from './useVirtualList';

/** Nearer to an edge than this, in pixels, the next page is loaded. */
const EARLY = 900;

export function MessageList({ model }: { readonly model: ConversationModel }) {
  const rows = model.rows.value;
  const older = model.older.value;
  const newer = model.newer.value;
  const [active, setActive] = useState<string | null>(null);
  const [away, setAway] = useState(false);
  const moved = useRef<() => void>(() => undefined);
  const list = useVirtualList(model.id, rows, () => moved.current());
  const news = useNews(model, list);
  const lookAtAll = useLook(model, list, setAway);
  const look = () => {
    lookAtAll();
    news.look();
  };
  moved.current = look;
  useLayoutEffect(look, [rows, older, newer]);

  const log = list.scroller;
  const { start, end } = list.span;
  const fences = fenceParts((index) => spokenLine(rows[index]), start, end);
  return (
    <div class="log-frame">
      {news.above && <JumpUp onJump={news.jump} />}
      <div
        ref={log}
        class="log"
        role="log"
        aria-live="off"
        aria-label={t('log.label', { name: model.name })}
        tabIndex={0}
        onScroll={list.onScroll}
        onPointerLeave={(event) => {
          if (event.pointerType === 'mouse' && !log.current?.contains(document.activeElement))
            setActive(null);
        }}
        onKeyDown={(event) => {
          if (walk(event, rows, active, list, setActive)) event.preventDefault();
        }}
      >
        <div class="log-inner">
          <Top older={older} model={model} />
          <div class="spacer" style={{ height: `${String(list.before)}px` }} />
          {rows.slice(start, end).map((row, index) => (
            <LogRow
              key={row.key}
              row={row}
              fence={fences[index] ?? 'none'}
              model={model}
              active={row.key === active}
              onActive={setActive}
            />
          ))}
          <div class="spacer" style={{ height: `${String(list.after)}px` }} />
          {newer !== 'end' && <EdgeRow edge={newer} onRetry={look} />}
        </div>
      </div>
      {away && <JumpDown model={model} onJump={list.goToEnd} />}
    </div>
  );
}

/** The text of a row as a line that may begin, end or continue a block of code. */
function spokenLine(row: Row | undefined): FenceLine | null {
  return row?.kind === 'message' && row.removed === null ? row : null;
}

/** What stands above the rows: the beginning of the conversation, or the way to older messages. */
function Top({ older, model }: { readonly older: Edge; readonly model: ConversationModel }) {
  const store = useStore();
  if (!model.loaded.value) return <Skeleton />;
  if (older === 'end') return <Beginning model={model} />;
  return <EdgeRow edge={older} onRetry={() => void store.actions.loadOlder(model.id)} />;
}

/** Tells the store where the reader is: what was seen, whether the end is followed, which page is needed next. */
function useLook(model: ConversationModel, list: VirtualList, setAway: (away: boolean) => void): () => void {
  const store = useStore();
  const look = () => {
    const log = list.scroller.current;
    // A list without height lies behind another page of a phone.
    if (!log || log.clientHeight === 0 || !model.loaded.peek()) return;
    const below = log.scrollHeight - log.scrollTop - log.clientHeight;
    const atEnd = list.place() === 'end' && model.newer.peek() === 'end';
    store.actions.follow(model.id, atEnd);
    setAway(!atEnd && (below > log.clientHeight / 3 || model.newBelow.peek() > 0));
    if (log.scrollTop < EARLY && model.older.peek() === 'more') void store.actions.loadOlder(model.id);
    if (below < EARLY && model.newer.peek() === 'more') void store.actions.loadNewer(model.id);
    if (document.visibilityState === 'visible' && document.hasFocus()) {
      store.actions.markRead(model.id, atEnd ? undefined : lastSeen(log));
    }
  };
  useSignalEffect(() => {
    if (model.newBelow.value > 0) look();
  });
  useEffect(() => {
    document.addEventListener('visibilitychange', look);
    addEventListener('focus', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      removeEventListener('focus', look);
    };
  });
  return look;
}

/** The number of the last message that the window shows wholly. */
function lastSeen(log: HTMLElement): number | undefined {
  const edge = log.getBoundingClientRect().bottom;
  let seen: number | undefined;
  for (const row of log.querySelectorAll<HTMLElement>('.log-row')) {
    if (row.getBoundingClientRect().bottom > edge + 1) break;
    const id = Number(row.dataset['id']);
    if (id > 0) seen = id;
  }
  return seen;
}

interface News {
  /** Whether what is new begins above what the window shows, and its beginning was not seen yet. */
  readonly above: boolean;
  /** Goes to its beginning, which is loaded if it is not held. */
  readonly jump: () => void;
  readonly look: () => void;
}

/** The line "new since you were away". It is shown when the conversation is opened, if it is held. */
function useNews(model: ConversationModel, list: VirtualList): News {
  const store = useStore();
  const [above, setAbove] = useState(false);
  /** Of which news the line was seen. */
  const seen = useRef('');
  const mark = `${model.id} ${String(model.newAfter.value)}`;
  const look = () => {
    const top = topOfNews(model, list);
    if (top >= 0 && top < innerHeight) seen.current = mark;
    setAbove(top < 0 && seen.current !== mark);
  };
  const show = () => {
    const rows = model.rows.peek();
    const line = rows.findIndex((row) => row.kind === 'new');
    // The row below the line keeps its place when older ones are loaded; the line may not.
    if (line < 0) return false;
    seen.current = mark;
    list.goTo(rows[line + 1]?.key ?? '', 0.15);
    return true;
  };
  const jump = () => {
    if (!show()) void store.actions.jumpToNew(model.id).then(show);
    list.scroller.current?.focus();
  };
  const loaded = model.loaded.value;
  useLayoutEffect(() => {
    if (loaded && list.place() === 'end' && topOfNews(model, list) < 0) show();
  }, [loaded, model.id]);
  return { above, jump, look };
}

/**
 * How far the line "new since you were away" is below the upper edge, in pixels. Infinite if it is not drawn, NaN if there is
 * none.
 */
function topOfNews(model: ConversationModel, list: VirtualList): number {
  const log = list.scroller.current;
  if (!log?.clientHeight || model.newAfter.peek() === null) return NaN;
  const line = log.querySelector('.rule.new');
  if (line) return line.getBoundingClientRect().top - log.getBoundingClientRect().top;
  const index = model.rows.peek().findIndex((row) => row.kind === 'new');
  return index < list.span.start ? -Infinity : Infinity;
}

/** Arrow keys walk from message to message. */
function walk(
  event: KeyboardEvent,
  rows: readonly Row[],
  active: string | null,
  list: VirtualList,
  setActive: (key: string) => void,
): boolean {
  const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
  const target = event.target;
  if (step === 0 || event.altKey || !(target instanceof HTMLElement) || target.closest('textarea, input'))
    return false;
  const from = rows.findIndex((row) => row.key === active);
  let next = from < 0 ? rows.length - 1 : from + step;
  while (next >= 0 && next < rows.length && rows[next]?.kind !== 'message') next += step;
  const row = rows[next];
  if (!row) return false;
  setActive(row.key);
  list.reveal(row.key);
  requestAnimationFrame(() => {
    const element = list.scroller.current?.querySelector<HTMLElement>(
      `[data-key="${CSS.escape(row.key)}"] .message`,
    );
    element?.focus();
  });
  return true;
}
