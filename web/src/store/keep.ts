// What a browser keeps between visits, in its local storage: settings, drafts, hidden conversations. A storage that
// is full or forbidden costs that and nothing else.
import { isTarget, type ConversationId } from '../protocol/target';
import type { OutboxItem } from '../connection/messages';
import type { Settings } from './model';

/** `localStorage`, or its like. */
export interface Storage {
  get(key: string): string | null;
  /** Null removes it. Must not throw. */
  set(key: string, value: string | null): void;
  /** Another tab changed something. */
  watch(changed: () => void): void;
}

const SETTINGS = 'parlor.settings';

export const DEFAULTS: Settings = {
  theme: 'system',
  language: null,
  sound: true,
  notifications: false,
  mutedConversations: [],
};

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function parsed(text: string | null): Readonly<Record<string, unknown>> {
  try {
    return record(JSON.parse(text ?? '{}'));
  } catch {
    return {};
  }
}

/** Whether this is a message as this client, or one before it, stored it. */
function isItem(value: unknown): value is OutboxItem {
  const { key, target, text, time, delivery } = record(value);
  const strings = [key, target, text].every((each) => typeof each === 'string');
  const states: readonly unknown[] = ['waiting', 'stalled', 'refused'];
  return (
    strings &&
    isTarget(String(target)) &&
    Number.isSafeInteger(time) &&
    states.includes(record(delivery)['state'])
  );
}

export function loadSettings(storage: Storage): Settings {
  const { theme, language, sound, notifications, mutedConversations } = parsed(storage.get(SETTINGS));
  return {
    theme: theme === 'light' || theme === 'dark' ? theme : DEFAULTS.theme,
    language: typeof language === 'string' ? language : DEFAULTS.language,
    sound: typeof sound === 'boolean' ? sound : DEFAULTS.sound,
    notifications: typeof notifications === 'boolean' ? notifications : DEFAULTS.notifications,
    mutedConversations: Array.isArray(mutedConversations)
      ? mutedConversations.filter((id): id is ConversationId => typeof id === 'string' && isTarget(id))
      : [],
  };
}

export function saveSettings(storage: Storage, settings: Settings): void {
  storage.set(SETTINGS, JSON.stringify(settings));
}

/** What is kept for one user. */
export class Kept {
  constructor(
    private readonly storage: Storage,
    private readonly user: string,
  ) {}

  draft(id: ConversationId): string {
    return this.storage.get(this.key('draft', id)) ?? '';
  }

  setDraft(id: ConversationId, text: string): void {
    this.storage.set(this.key('draft', id), text === '' ? null : text);
  }

  /** The newest id of a direct conversation when it was hidden; 0 if it is not. */
  hidden(id: ConversationId): number {
    return Number(this.storage.get(this.key('hidden', id)) ?? 0);
  }

  hide(id: ConversationId, newest: number): void {
    this.storage.set(this.key('hidden', id), newest === 0 ? null : String(newest));
  }

  /** Whether a room was private when that was learnt last; null if it never was. */
  isPrivate(id: ConversationId): boolean | null {
    const kept = this.storage.get(this.key('private', id));
    return kept === null ? null : kept === 'true';
  }

  setPrivate(id: ConversationId, isPrivate: boolean): void {
    this.storage.set(this.key('private', id), String(isPrivate));
  }

  /** My messages that were in no log when the last page of this browser was closed. */
  outbox(): readonly OutboxItem[] {
    const { items } = parsed(this.storage.get(this.key('outbox')));
    return Array.isArray(items) ? items.filter(isItem) : [];
  }

  setOutbox(items: readonly OutboxItem[]): void {
    this.storage.set(this.key('outbox'), items.length === 0 ? null : JSON.stringify({ items }));
  }

  private key(what: string, id = ''): string {
    return `parlor.${what}.${this.user}.${id}`;
  }
}
