// One conversation: what is held of its log, and the signals that the view reads. It asks the server for nothing; the
// loader does that.
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { OutboxItem } from '../connection/messages';
import { isBy } from '../protocol/bot';
import type { Entry } from '../protocol/entries';
import { kindOf, nameOf, type ConversationId } from '../protocol/target';
import type {
  ConversationKind,
  ConversationModel,
  ConversationSummary,
  Edge,
  Member,
  Problem,
  Role,
  RoomInfo,
  Row,
} from './model';
import type { LogRecord } from './records';
import { buildRows, isOthers, type Presence } from './rows';
import { Window, type Page } from './window';

/** How many comings and goings are kept. */
const MOST_PRESENCE = 200;
/** How many ids keep the key that their row had while it waited. */
const MOST_KEYS = 500;

/** One numbering: that of a room, of a publisher, or of the inbox, which all direct conversations share. */
export interface Log {
  epoch: string;
  /** The newest id that is known. */
  last: number;
}

/** Entries of a log by their ids; null if it belongs to another conversation. */
export type Early = [number, Entry | null][];

/** What a conversation needs to know of the rest of the store. */
export interface Surrounding {
  readonly me: string;
  readonly mention: RegExp;
  readonly isMuted: (id: ConversationId) => boolean;
  /** My messages that are in no log yet, of all conversations. */
  readonly outbox: ReadonlySignal<readonly OutboxItem[]>;
}

const RANKS = { owner: 0, moderator: 1, none: 2 };

export class Conversation implements ConversationModel {
  readonly kind: ConversationKind;
  readonly name: string;
  readonly window = new Window();
  readonly loaded = signal(false);
  readonly older = signal<Edge>('more');
  readonly newer = signal<Edge>('end');
  readonly newBelow = signal(0);
  readonly draft = signal('');
  readonly memberCount: Signal<number | null>;
  readonly info = signal<RoomInfo | null>(null);
  readonly topic = signal('');
  readonly role = signal<Role>('member');
  readonly rows: ReadonlySignal<readonly Row[]>;
  readonly members: ReadonlySignal<readonly Member[] | null>;
  readonly summary: ReadonlySignal<ConversationSummary>;

  readonly users = signal<readonly string[] | null>(null);
  readonly mutes = signal<ReadonlyMap<string, number | 'for-ever'>>(new Map());
  readonly pending: ReadonlySignal<readonly OutboxItem[]>;
  readonly lost = signal<Problem | null>(null);
  /** Whether it is a private room; null if that is not known. */
  readonly isPrivate = signal<boolean | null>(null);
  readonly unread = signal(0);
  readonly mentions = signal<ReadonlySet<number>>(new Set());
  readonly activity = signal(0);
  readonly newAfter = signal<number | null>(null);
  /** Counts the changes of what is held. */
  readonly version = signal(0);

  /** I have read up to here. */
  read = 0;
  /** The newest id of this conversation that is known. */
  newest = 0;
  /** Messages of others up to this id are counted in `unread`, if they are. */
  counted = 0;
  /** The newest id when the time of the newest entry was learnt. */
  looked = 0;
  /** Whether members and rights may have changed without being heard of. */
  isStale = true;
  /** Whether the view shows the end and follows it. */
  follows = true;
  /** Entries that were heard while the first page is on its way; null if none is. */
  early: Early | null = null;

  private presence: readonly Presence[] = [];
  private readonly keys = new Map<number, string>();
  private seq = 0;

  constructor(
    readonly id: ConversationId,
    readonly log: Log,
    private readonly around: Surrounding,
  ) {
    this.kind = kindOf(id);
    this.name = nameOf(id);
    this.memberCount = signal(null);
    this.pending = computed(() => around.outbox.value.filter((item) => item.target === id));
    this.rows = computed(() => this.buildRows());
    this.members = computed(() => this.buildMembers());
    this.summary = computed(() => this.buildSummary());
  }

  /** What is held changed. */
  touch(): void {
    this.version.value++;
  }

  /** Lets go of everything that is numbered. */
  reset(): void {
    Object.assign(this.window, new Window());
    this.presence = [];
    this.keys.clear();
    this.early = null;
    this.loaded.value = false;
    this.older.value = 'more';
    this.newer.value = 'end';
    this.newAfter.value = null;
    this.newBelow.value = 0;
    this.mentions.value = new Set();
    this.touch();
  }

  /**
   * The first page, or a new newest one. `last` is what was known when it was asked for, `early` what was heard since.
   */
  begin(page: Page, last: number, early: Early): void {
    this.window.begin(page, last);
    for (const [id, entry] of early) this.window.live(id, entry);
    this.loaded.value = true;
    this.newer.value = 'end';
    this.older.value = this.window.atBeginning ? 'end' : 'more';
    this.newBelow.value = 0;
    this.took(page.entries);
  }

  /** Entries of a page are held now. */
  took(entries: readonly Entry[]): void {
    const found = new Set(this.mentions.value);
    for (const entry of entries) {
      this.newest = Math.max(this.newest, entry.id);
      this.activity.value = Math.max(this.activity.value, entry.time);
      if (entry.id > this.read && this.concernsMe(entry)) found.add(entry.id);
    }
    if (found.size !== this.mentions.value.size) this.mentions.value = found;
    if (this.isCountable()) this.countAll();
    this.touch();
  }

  /** An entry of the log was accepted; null if it belongs to another conversation of this log. */
  live(id: number, entry: Entry | null): void {
    if (this.early !== null) this.early.push([id, entry]);
    else if (this.loaded.value) this.window.live(id, entry);
    if (entry === null) return;
    this.newest = Math.max(this.newest, id);
    this.activity.value = Math.max(this.activity.value, entry.time);
    this.touch();
  }

  /** Counts an entry that was heard as unread, if it is that and was not counted. */
  count(entry: Entry): boolean {
    if (isBy(entry, this.around.me)) return false;
    const isNew = entry.id > this.counted;
    this.counted = Math.max(this.counted, entry.id);
    if (!isNew || !isMessage(entry) || entry.id <= this.read) return false;
    this.unread.value++;
    if (this.concernsMe(entry)) this.mentions.value = new Set(this.mentions.value).add(entry.id);
    if (!this.follows || !this.window.attached) this.newBelow.value++;
    return true;
  }

  /** Whether an entry is a message that mentions me, or is for me. */
  concernsMe(entry: Entry): boolean {
    if (!isMessage(entry) || isBy(entry, this.around.me) || this.kind === 'feed') return false;
    return this.kind === 'direct' || this.around.mention.test(entry.text);
  }

  /** I have read up to `id`. Marks only move forward. */
  setRead(id: number): void {
    if (id <= this.read) return;
    const before = this.read;
    this.read = id;
    if (id >= this.newest) this.unread.value = 0;
    else if (this.isCountable()) this.countAll();
    else {
      const seen = this.others(before).filter((record) => record.id <= id).length;
      this.unread.value = Math.max(0, this.unread.value - seen);
    }
    this.forgetMentions();
  }

  /** The server counts so many unread messages between this mark and `last`. */
  recount(last: number, read: number, unread: number): void {
    this.counted = last;
    this.read = read;
    this.unread.value = unread;
    this.forgetMentions();
  }

  /** Whether all that is unread is held. */
  private isCountable(): boolean {
    return this.loaded.value && this.window.holdsAfter(this.read, this.newest);
  }

  private countAll(): void {
    this.unread.value = this.others(this.read).length;
    this.counted = Math.max(this.counted, this.newest);
  }

  private others(after: number): readonly LogRecord[] {
    return this.window.after(after).filter((record) => isOthers(record, this.around.me));
  }

  private forgetMentions(): void {
    const left = [...this.mentions.value].filter((each) => each > this.read);
    if (left.length !== this.mentions.value.size) this.mentions.value = new Set(left);
  }

  /** Somebody came or went. */
  moved(user: string, came: boolean, time: number): void {
    const users = this.users.value;
    if (users !== null)
      this.users.value = came ? [...new Set([...users, user])] : users.filter((each) => each !== user);
    if (this.memberCount.value !== null) this.memberCount.value += came ? 1 : -1;
    const one = { seq: ++this.seq, after: this.log.last, time, user, came };
    this.presence = [...this.presence, one].slice(-MOST_PRESENCE);
    this.touch();
  }

  /** The row of a message keeps its key when it gets its id. */
  keepKey(id: number, key: string): void {
    this.keys.set(id, key);
    const oldest = this.keys.size > MOST_KEYS ? this.keys.keys().next().value : undefined;
    if (oldest !== undefined) this.keys.delete(oldest);
  }

  private buildRows(): readonly Row[] {
    if (this.version.value >= 0 && !this.loaded.value && this.pending.value.length === 0) return [];
    // Where nothing before it is held, the line would stand above something that is new as well.
    const newAfter = this.newAfter.value;
    return buildRows({
      me: this.around.me,
      mention: this.around.mention,
      records: this.window.records,
      holes: this.window.holes,
      presence: this.presence.filter(({ after }) => after >= this.window.lo - 1 && after <= this.window.hi),
      newAfter: newAfter !== null && this.window.lo <= newAfter + 1 ? newAfter : null,
      pending: this.pending.value,
      keys: this.keys,
    });
  }

  private buildMembers(): readonly Member[] | null {
    const users = this.users.value;
    if (users === null) return null;
    const info = this.info.value;
    const moderators = new Set(info?.moderators);
    const members = users.map((user): Member => {
      const role = info?.owner === user ? 'owner' : moderators.has(user) ? 'moderator' : null;
      return { user, isMe: user === this.around.me, role, mutedUntil: this.mutes.value.get(user) ?? null };
    });
    const rank = (member: Member) => RANKS[member.role ?? 'none'];
    return members.sort((a, b) => rank(a) - rank(b) || (a.user < b.user ? -1 : 1));
  }

  private buildSummary(): ConversationSummary {
    return {
      id: this.id,
      kind: this.kind,
      name: this.name,
      unread: this.unread.value,
      mentions: this.kind === 'direct' ? this.unread.value : this.mentions.value.size,
      lastActivity: this.activity.value,
      hasDraft: this.draft.value.trim() !== '',
      isPrivate: this.isPrivate.value,
      muted: this.around.isMuted(this.id),
      lost: this.lost.value,
    };
  }
}

/** Whether an entry counts as a message. */
export function isMessage(
  entry: Entry,
): entry is Extract<Entry, { readonly type: 'message' | 'publication' | 'direct' }> {
  return entry.type === 'message' || entry.type === 'publication' || entry.type === 'direct';
}
