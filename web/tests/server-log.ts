// The logs of the model of a server: entries as they go over the wire, as a page shows them, and as they are counted.
import type { Entry } from '../src/protocol/entries';

export const ME = 'alice';

export type Wire = Readonly<Record<string, unknown>>;

/** One numbering. */
export interface ServerLog {
  epoch: string;
  entries: Entry[];
  /** My mark. */
  read: number;
  /** The answers to `/once`, by key. */
  readonly keys: Map<string, Wire & { readonly id: number }>;
}

export function iso(time: number): string {
  return new Date(time).toISOString();
}

export function wire(entry: Entry, room?: string): Wire {
  const { type, ...fields } = entry;
  const times = {
    ...('until' in entry && { until: entry.until === null ? null : iso(entry.until) }),
    ...('edited' in entry && { edited: iso(entry.edited) }),
  };
  return { type, ...(room !== undefined && { room }), ...fields, time: iso(entry.time), ...times };
}

/** Whom a direct message was exchanged with. */
export function partner(entry: Entry): string {
  if (entry.type !== 'direct' || entry.from !== ME) return entry.from;
  return entry.to;
}

export function unreadOf(entries: readonly Entry[], read: number): number {
  return entries.filter(
    ({ type, id, from }) =>
      (type === 'message' || type === 'direct' || type === 'publication') && id > read && from !== ME,
  ).length;
}

/** An entry as a page of a log shows it. */
export function present(entry: Entry, log: readonly Entry[]): Entry {
  const of = entry.type === 'edited' ? entry.of : entry.id;
  const removal = log.find((each) => each.type === 'removed' && each.of === of);
  const edits = log.filter((each) => each.type === 'edited' && each.of === of);
  const last = edits.at(-1);
  if (entry.type === 'edited')
    return removal !== undefined || last !== entry ? { ...entry, text: '' } : entry;
  if (entry.type !== 'message') return entry;
  if (removal !== undefined) return { ...entry, text: '', removed: true };
  return last?.type === 'edited' ? { ...entry, text: last.text, edited: last.time } : entry;
}
