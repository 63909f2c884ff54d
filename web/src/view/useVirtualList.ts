// Draws only the rows near the window, and keeps what is being read at its place while rows come, go and change their height.

import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

import type { ConversationId, Row } from '../store/model';
import { guessHeight } from './guess';
import { Heights, spanAt, type Span } from './virtual';

/** The row at the upper edge, and how far below the edge it begins. */
interface Anchor {
  readonly key: string;
  readonly offset: number;
}

/** Where the reader is: at the end and following it, or at a row. */
export type Place = 'end' | Anchor;

/** How far beyond the window rows are drawn, in pixels. */
const BEYOND = 700;
/** Nearer to the end than this counts as being there. */
const NEAR = 32;

export interface VirtualList {
  readonly span: Span;
  readonly before: number;
  readonly after: number;
  readonly scroller: { readonly current: HTMLDivElement | null };
  readonly onScroll: () => void;
  readonly place: () => Place;
  readonly goToEnd: () => void;
  /** Puts a row at a part of the height of the window: 0 is the upper edge. */
  readonly goTo: (key: string, part: number) => void;
  /** Moves as little as shows the row; it need not be drawn. */
  readonly reveal: (key: string) => void;
}

/** Places of the conversations that were left, so that coming back shows what was read. */
const places = new Map<ConversationId, Place>();

export function useVirtualList(id: ConversationId, rows: readonly Row[], onMoved: () => void): VirtualList {
  const scroller = useRef<HTMLDivElement>(null);
  const heights = useRef(new Heights());
  const place = useRef<Place>(places.get(id) ?? 'end');
  const width = useRef(0);
  /** Where the list was scrolled to when `place` was true. */
  const seenTop = useRef(0);
  const span = useRef<Span>({ start: 0, end: 0 });
  /** Which row each element showed when it was measured. */
  const measured = useRef(new WeakMap<Element, Row>());
  /** The size of the list and of its content when it was settled last; null while it goes elsewhere. */
  const settled = useRef<string | null>('');
  const [, draw] = useReducer((count: number) => count + 1, 0);

  const layOut = () => heights.current.offsets(rows, (row) => guessHeight(row, width.current));
  const offsets = layOut();
  span.current = wantedSpan(offsets, rows, place.current, scroller.current);
  const { start, end } = span.current;
  const before = offsets[start] ?? 0;
  const after = (offsets[rows.length] ?? 0) - (offsets[end] ?? 0);

  const settle = () => {
    const log = scroller.current;
    if (!log) return;
    if (measure(log, rows.slice(start, end), heights.current, measured.current)) {
      // What is drawn is right if all that is not drawn keeps its height, and enough is drawn.
      const now = layOut();
      const same = now[start] === before && (now[rows.length] ?? 0) - (now[end] ?? 0) === after;
      const near = wantedSpan(now, rows, place.current, log, BEYOND / 2);
      if (!same || near.start < start || near.end > end) draw(0);
    }
    place.current = moved(log, place.current, log.scrollTop - seenTop.current);
    restore(log, place.current);
    // After a leap the row that was at the edge is not drawn any more.
    if (place.current !== 'end' && !isSeen(log, place.current)) place.current = placeOf(log);
    seenTop.current = log.scrollTop;
    // The browser tells of no scrolling if the list is where it was when the browser looked last.
    if (settled.current === null) onMoved();
    settled.current = sizeOf(log);
  };

  // After every drawing the rows have their real heights: put the reader back before anything is painted.
  useLayoutEffect(settle);
  useResize(id, scroller, (log) => {
    // The list itself changed its content, which is settled already.
    if (sizeOf(log) === settled.current) return;
    measured.current = new WeakMap();
    if (log.clientWidth !== width.current) {
      if (width.current !== 0) heights.current.clear();
      width.current = log.clientWidth;
    }
    draw(0);
  });
  useLayoutEffect(() => () => void places.set(id, place.current), [id]);

  const onScroll = () => {
    const log = scroller.current;
    if (!log) return;
    place.current = placeOf(log);
    seenTop.current = log.scrollTop;
    const wanted = wantedSpan(offsets, rows, null, log);
    const now = span.current;
    const near = wantedSpan(offsets, rows, null, log, BEYOND / 2);
    if (near.start < now.start || near.end > now.end || wanted.start > now.start + 60) draw(0);
    onMoved();
  };

  const move = (to: Place) => {
    place.current = to;
    seenTop.current = scroller.current?.scrollTop ?? 0;
    settled.current = null;
    draw(0);
  };

  return {
    span: span.current,
    before,
    after,
    scroller,
    onScroll,
    place: () => place.current,
    ...movesOf(scroller, move),
  };
}

/** The ways to another place of the list. */
function movesOf(
  scroller: VirtualList['scroller'],
  move: (to: Place) => void,
): Pick<VirtualList, 'goToEnd' | 'goTo' | 'reveal'> {
  const height = () => scroller.current?.clientHeight ?? 0;
  return {
    goToEnd: () => move('end'),
    goTo: (key, part) => move({ key, offset: height() * part }),
    reveal: (key) => {
      const row = scroller.current && rowElement(scroller.current, key);
      if (row) row.scrollIntoView({ block: 'nearest' });
      else move({ key, offset: height() / 2 });
    },
  };
}

/** Calls back when the list or what is in it changes its size. */
function useResize(
  id: ConversationId,
  scroller: VirtualList['scroller'],
  onResize: (log: HTMLElement) => void,
): void {
  useLayoutEffect(() => {
    const log = scroller.current;
    if (!log) return undefined;
    const observer = new ResizeObserver(() => onResize(log));
    observer.observe(log);
    if (log.firstElementChild) observer.observe(log.firstElementChild);
    return () => observer.disconnect();
  }, [id]);
}

/** The rows to draw: around the place, or around what the window shows if `place` is null. */
function wantedSpan(
  offsets: Float64Array,
  rows: readonly Row[],
  place: Place | null,
  log: HTMLElement | null,
  beyond = BEYOND,
): Span {
  const height = log?.clientHeight ?? innerHeight;
  const total = offsets[rows.length] ?? 0;
  const top = topOf(offsets, rows, place, log, total - height);
  return spanAt(offsets, top - beyond, top + height + beyond);
}

function topOf(
  offsets: Float64Array,
  rows: readonly Row[],
  place: Place | null,
  log: HTMLElement | null,
  end: number,
): number {
  if (place === 'end') return end;
  if (place === null) return (log?.scrollTop ?? 0) - contentTop(log);
  const index = rows.findIndex((row) => row.key === place.key);
  if (index >= 0) return (offsets[index] ?? 0) - place.offset;
  return (log?.scrollTop ?? 0) - contentTop(log);
}

/** Where the rows begin inside the scrolled content. */
function contentTop(log: HTMLElement | null): number {
  const first = log?.querySelector<HTMLElement>('.spacer');
  return first?.offsetTop ?? 0;
}

function sizeOf(log: HTMLElement): string {
  return `${log.clientWidth} ${log.clientHeight} ${log.scrollHeight}`;
}

/** Reads the heights of those rows that were not measured as they are drawn. True if a height was not known so. */
function measure(
  log: HTMLElement,
  drawn: readonly Row[],
  heights: Heights,
  measured: WeakMap<Element, Row>,
): boolean {
  let changed = false;
  log.querySelectorAll<HTMLElement>('.log-row').forEach((element, index) => {
    const row = drawn[index];
    if (!row || measured.get(element) === row) return;
    measured.set(element, row);
    if (heights.set(row.key, element.getBoundingClientRect().height)) changed = true;
  });
  return changed;
}

/** The place after the reader scrolled by so much, which the browser has not told yet. */
function moved(log: HTMLElement, place: Place, distance: number): Place {
  // At the very end it may be the browser that scrolled, since the content became shorter.
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 1;
  if (Math.abs(distance) < 1 || atEnd) return place;
  if (place === 'end') return distance < 0 ? placeOf(log) : place;
  return { key: place.key, offset: place.offset - distance };
}

/** Scrolls so that the place is where it was. */
function restore(log: HTMLElement, place: Place): void {
  if (place === 'end') {
    log.scrollTop = log.scrollHeight;
    return;
  }
  const row = rowElement(log, place.key);
  if (!row) return;
  const drift = row.getBoundingClientRect().top - log.getBoundingClientRect().top - place.offset;
  if (Math.abs(drift) >= 1) log.scrollTop += drift;
}

/** Whether the row of the anchor is inside the window. */
function isSeen(log: HTMLElement, anchor: Anchor): boolean {
  const box = rowElement(log, anchor.key)?.getBoundingClientRect();
  const edges = log.getBoundingClientRect();
  return box !== undefined && box.bottom > edges.top && box.top < edges.bottom;
}

/** The place that the window shows now. */
function placeOf(log: HTMLElement): Place {
  if (log.scrollHeight - log.scrollTop - log.clientHeight < NEAR) return 'end';
  const edge = log.getBoundingClientRect().top;
  // A rule between days or above what is new moves away from here when older rows are loaded.
  for (const row of log.querySelectorAll<HTMLElement>('.log-row:not(:has(.rule))')) {
    const box = row.getBoundingClientRect();
    if (box.bottom > edge) return { key: row.dataset['key'] ?? '', offset: box.top - edge };
  }
  return 'end';
}

function rowElement(log: HTMLElement, key: string): HTMLElement | null {
  return log.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
}
