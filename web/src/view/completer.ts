// Completes words in the composer: what it offers, and which keys choose.

import type { ConversationModel, Store } from '../store/model';
import {
  bareQueryAt,
  completed,
  grown,
  matching,
  queryAt,
  type Candidate,
  type Query,
} from '../text/complete';
import { candidatesFor } from './candidates';

/** What is offered now. */
export interface Offer {
  readonly query: Query;
  readonly options: readonly Candidate[];
  /** The index of the chosen option. */
  readonly at: number;
}

/** What it needs of the composer. */
export interface Field {
  readonly store: Store;
  readonly model: ConversationModel;
  readonly area: () => HTMLTextAreaElement | null;
  readonly show: (offer: Offer | null) => void;
  /** Writes a text, with the cursor at this place. */
  readonly write: (text: string, cursor: number) => void;
}

export class Completer {
  #turn = 0;

  constructor(private readonly field: Field) {}

  /** Offers what the word at the cursor may become. */
  look(): void {
    const area = this.field.area();
    if (!area) return;
    const { selectionStart, selectionEnd, value } = area;
    void this.offer(selectionStart === selectionEnd ? queryAt(value, selectionStart) : null);
  }

  /** Offers the names that begin with the word before the cursor, and takes the only one. */
  async tab(): Promise<void> {
    const area = this.field.area();
    const query = area && bareQueryAt(area.value, area.selectionStart);
    if (!query) return;
    const offer = await this.offer(query);
    const [only, second] = offer?.options ?? [];
    if (only && !second) this.take(query, only);
  }

  take(query: Query, option: Candidate): void {
    const area = this.field.area();
    if (!area) return;
    const { value, selectionStart } = area;
    const next = completed(value, grown(query, value, selectionStart, option.name), option.insert);
    this.field.show(null);
    this.field.write(next.text, next.cursor);
  }

  /** True if the key chooses in this offer. */
  onKey(key: string, offer: Offer): boolean {
    const count = offer.options.length;
    const chosen = offer.options[offer.at];
    if (key === 'ArrowDown') this.field.show({ ...offer, at: (offer.at + 1) % count });
    else if (key === 'ArrowUp') this.field.show({ ...offer, at: (offer.at + count - 1) % count });
    else if (key === 'Escape') this.field.show(null);
    else if ((key === 'Enter' || key === 'Tab') && chosen) this.take(offer.query, chosen);
    else return false;
    return true;
  }

  private async offer(query: Query | null): Promise<Offer | null> {
    const turn = ++this.#turn;
    const all = query && (await candidatesFor(query.kind, this.field.store, this.field.model));
    if (turn !== this.#turn) return null;
    const options = query && all ? matching(all, query.prefix) : [];
    const isUseful = query && options.length > 0 && !isFinished(query, options);
    const offer = isUseful ? { query, options, at: 0 } : null;
    this.field.show(offer);
    return offer;
  }
}

/** What is typed already needs no list. */
function isFinished(query: Query, options: readonly Candidate[]): boolean {
  const exact = query.kind !== 'emoji' && options[0]?.name === query.prefix;
  return exact && (options.length === 1 || query.kind === 'command');
}
