// The state of one tab, as the hub tells it: who uses the page, the connection, and the book of that user.
import { batch, computed, signal } from '@preact/signals';
import type { FromHub, HubEvent, Port, ToHub } from '../connection/messages';
import type { ConversationId } from '../protocol/target';
import { Book, type NewNotice } from './book';
import { loadInfo } from './effects';
import { Kept, loadSettings, saveSettings, type Storage } from './keep';
import { Link } from './link';
import { command } from '../protocol/lines';
import type { Conversation } from './conversation';
import type {
  Attention,
  Connection,
  ConversationSummary,
  Notice,
  Outcome,
  RoomListing,
  Session,
  Settings,
} from './model';

/** What a store needs of the page. */
export interface Surroundings {
  /** The line to the hub. */
  readonly port: Port<FromHub, ToHub>;
  readonly storage: Storage;
  readonly now: () => number;
  readonly after: (ms: number, run: () => void) => void;
  /** Runs something when the page is drawn next; soon too if it is not drawn. */
  readonly whenDrawn: (run: () => void) => void;
  /** Whether the user can see the page. */
  readonly visible: () => boolean;
  /** A key for `/once`: random, 1 to 64 characters of `A-Za-z0-9_-`. */
  readonly newKey: () => string;
}

/** Ms between two times that events change what is shown, while they keep coming. */
const RHYTHM = 50;
/** Notices kept at most. */
const MOST_NOTICES = 20;
const KINDS = { room: 0, direct: 1, feed: 2 };

export class Core {
  readonly session = signal<Session>({ state: 'checking' });
  readonly connection = signal<Connection>({ state: 'offline' });
  readonly serverName = signal('');
  readonly shown = signal<ConversationId | null>(null);
  readonly notices = signal<readonly Notice[]>([]);
  readonly listing = signal<readonly Omit<RoomListing, 'open'>[] | null>(null);
  readonly settings = signal<Settings>({} as Settings);
  readonly book = signal<Book | null>(null);
  readonly listeners = new Set<(attention: Attention) => void>();
  readonly link: Link;
  private callsForAttention = false;
  private notes = 0;
  /** Events that were heard and have no effect yet. */
  private heardEvents: HubEvent[] = [];
  /** When events had their effect last. */
  private took = 0;

  readonly models = computed((): readonly Conversation[] => [...(this.book.value?.all.value.values() ?? [])]);
  readonly conversations = computed(() => this.models.value.map((each) => each.summary.value).sort(order));
  readonly totals = computed(() => {
    const counted = this.conversations.value.filter((each) => !each.muted);
    const sum = (of: 'unread' | 'mentions') => counted.reduce((all, each) => all + each[of], 0);
    return { unread: sum('unread'), mentions: sum('mentions') };
  });

  constructor(readonly env: Surroundings) {
    const load = () => (this.settings.value = loadSettings(env.storage));
    load();
    env.storage.watch(load);
    this.link = new Link(env.port, () => this.takeEvents());
    this.link.listen((message) => {
      if (message.tell === 'events') this.collect(message.events);
      else batch(() => this.heard(message));
    });
  }

  conversation(id: ConversationId): Conversation | undefined {
    return this.book.value?.all.value.get(id);
  }

  changeSettings(change: Partial<Settings>): void {
    this.settings.value = { ...this.settings.value, ...change };
    saveSettings(this.env.storage, this.settings.value);
  }

  notify(notice: NewNotice): void {
    const noted = { ...notice, key: `n${++this.notes}`, time: this.env.now() } as Notice;
    this.notices.value = [...this.notices.value, noted].slice(-MOST_NOTICES);
  }

  /** Loads what the conversation in front needs. */
  present(): void {
    const id = this.shown.value;
    const book = this.book.value;
    const conversation = id === null ? undefined : this.conversation(id);
    if (book === null || conversation?.lost.value !== null) return;
    void book.loader.newest(conversation);
    if (conversation.kind !== 'room' || !conversation.isStale) return;
    conversation.isStale = false;
    void this.loadMembers(conversation);
    void loadInfo(book, conversation);
  }

  async loadMembers(room: Conversation): Promise<Outcome> {
    const answer = await this.link.expect(command('who', [room.name]), 'users');
    if (!answer.ok) return answer;
    room.users.value = answer.value.users;
    room.memberCount.value = answer.value.users.length;
    return { ok: true, value: undefined };
  }

  /** Events change what is shown at most once for each time that it is drawn, and not too often. */
  private collect(events: readonly HubEvent[]): void {
    const isFirst = this.heardEvents.length === 0;
    this.heardEvents.push(...events);
    if (!isFirst) return;
    const take = () => this.env.whenDrawn(() => this.takeEvents());
    const pause = this.took + RHYTHM - this.env.now();
    if (pause > 0) this.env.after(pause, take);
    else take();
  }

  private takeEvents(): void {
    const events = this.heardEvents;
    if (events.length === 0) return;
    this.heardEvents = [];
    this.took = this.env.now();
    batch(() => this.book.value?.events(events));
  }

  private heard(message: Exclude<FromHub, { readonly tell: 'answer' | 'events' }>): void {
    switch (message.tell) {
      case 'session':
        return this.become(message.session);
      case 'connection':
        this.connection.value = message.connection;
        return;
      case 'server':
        this.serverName.value = message.name;
        return;
      case 'attention':
        this.callsForAttention = message.yours;
        return;
      case 'stand':
        this.book.value?.stand(message.stand);
        return this.present();
    }
  }

  private become(session: Session): void {
    this.session.value = session;
    const user = session.state === 'logged-in' ? session.user : null;
    if (user === (this.book.value?.me ?? null)) return;
    this.notices.value = [];
    this.listing.value = null;
    if (this.book.value !== null) this.shown.value = null;
    this.book.value = user === null ? null : this.bookOf(user);
  }

  private bookOf(user: string): Book {
    const isShown = (id: ConversationId) => this.shown.value === id;
    return new Book({
      user,
      link: this.link,
      kept: new Kept(this.env.storage, user),
      isMuted: (id) => this.settings.value.mutedConversations.includes(id),
      after: this.env.after,
      now: this.env.now,
      isShown,
      isSeen: (id) => isShown(id) && this.env.visible(),
      attend: (attention) => {
        if (this.callsForAttention) this.listeners.forEach((listener) => listener(attention));
      },
      notify: (notice) => this.notify(notice),
    });
  }
}

/** Rooms, then direct conversations, then followed users; in each kind the newest activity first. */
function order(a: ConversationSummary, b: ConversationSummary): number {
  return KINDS[a.kind] - KINDS[b.kind] || b.lastActivity - a.lastActivity || (a.name < b.name ? -1 : 1);
}
