// What the user can do with the session, with conversations and with messages.
import { MOST_WAITING, type OutboxItem } from '../connection/messages';
import { DONE, failed } from '../connection/outcome';
import { messagesOf } from '../protocol/lines';
import { targetOf, type ConversationId } from '../protocol/target';
import type { Core } from './core';
import type { Actions, Outcome } from './model';

/** Ms in which a message can be edited, unless the operator changed it. */
const EDIT_WINDOW = 15 * 60_000;

type SessionActions = Pick<Actions, 'logIn' | 'register' | 'logOut' | 'useHere' | 'reconnectNow'>;

export function sessionActions({ link }: Core): SessionActions {
  const logIn = (user: string, password: string, register: boolean, invite: string | null = null) =>
    link.order({ do: 'log-in', user, password, register, invite });
  return {
    logIn: (user, password) => logIn(user, password, false),
    register: (user, password, invite) => logIn(user, password, true, invite),
    logOut: () => link.order({ do: 'log-out' }),
    useHere: () => link.tell({ do: 'retry' }),
    reconnectNow: () => link.tell({ do: 'retry' }),
  };
}

type ConversationActions = Pick<
  Actions,
  | 'show'
  | 'openDirect'
  | 'loadOlder'
  | 'loadNewer'
  | 'jumpToNew'
  | 'jumpToNewest'
  | 'follow'
  | 'markRead'
  | 'setDraft'
>;

export function conversationActions(core: Core): ConversationActions {
  const { link } = core;
  const show = (id: ConversationId | null): void => {
    const next = id === null ? undefined : core.conversation(id);
    if (next !== undefined && core.shown.value !== id) {
      next.newAfter.value = next.unread.value > 0 ? next.read : null;
      next.follows = true;
      next.newBelow.value = 0;
    }
    core.shown.value = id;
    core.present();
  };
  return {
    show,
    openDirect: (user) => {
      const book = core.book.value;
      if (book === null) return Promise.resolve(failed('not-connected'));
      const id = targetOf('direct', user.toLowerCase());
      book.env.kept.hide(id, 0);
      book.ensure(id);
      show(id);
      return Promise.resolve(DONE);
    },
    loadOlder: (id) => load(core, id, 'older'),
    loadNewer: (id) => load(core, id, 'newer'),
    jumpToNew: (id) => load(core, id, 'firstNew'),
    jumpToNewest: (id) => load(core, id, 'newest'),
    follow: (id, atEnd) => {
      const conversation = core.conversation(id);
      if (conversation === undefined) return;
      conversation.follows = atEnd;
      if (atEnd && conversation.window.attached) conversation.newBelow.value = 0;
    },
    markRead: (id, entry) => {
      const conversation = core.conversation(id);
      if (conversation === undefined) return;
      const upTo = Math.min(entry ?? conversation.newest, conversation.newest);
      if (upTo <= conversation.read) return;
      conversation.setRead(upTo);
      link.tell({ do: 'read', target: id, id: upTo });
    },
    setDraft: (id, text) => {
      const conversation = core.conversation(id);
      if (conversation === undefined) return;
      conversation.draft.value = text;
      core.book.value?.env.kept.setDraft(id, text);
    },
  };
}

/** Loads a page of a conversation. */
function load(
  core: Core,
  id: ConversationId,
  how: 'older' | 'newer' | 'firstNew' | 'newest',
): Promise<Outcome> {
  const conversation = core.conversation(id);
  const loader = core.book.value?.loader;
  if (conversation === undefined || loader === undefined) return Promise.resolve(failed('not-connected'));
  return how === 'newest'
    ? loader.newest(conversation, !conversation.window.attached)
    : loader[how](conversation);
}

type MessageActions = Pick<Actions, 'send' | 'sendAgain' | 'discard' | 'lastEditable'>;

export function messageActions(core: Core): MessageActions {
  const { link, env } = core;
  return {
    send: (id, text) => say(core, id, messagesOf(text)),
    sendAgain: (_id, key) => link.tell({ do: 'again', key }),
    discard: (_id, key) => link.tell({ do: 'discard', key }),
    lastEditable: (id) => {
      const conversation = core.conversation(id);
      if (conversation?.kind !== 'room') return null;
      const since = env.now() - EDIT_WINDOW;
      for (const row of [...conversation.rows.value].reverse()) {
        if (row.kind !== 'message' || !row.isMine || row.removed !== null) continue;
        if (row.delivery.state === 'refused') continue;
        // What is still on its way has no number yet. The one before is not what the user means.
        return row.id === null || row.time < since ? null : row;
      }
      return null;
    },
  };
}

/** Says each line. They appear at once. */
export function say(core: Core, target: ConversationId, lines: readonly string[]): Outcome {
  const book = core.book.value;
  if (book === null) return failed('not-connected');
  if (lines.length === 0) return failed('nothing-to-send');
  if (book.outbox.value.length + lines.length > MOST_WAITING) return failed('too-many-waiting');
  const items = lines.map((text): OutboxItem => {
    const time = core.env.now();
    return { key: core.env.newKey(), target, text, time, delivery: { state: 'waiting' } };
  });
  book.events(items.map((item) => ({ type: 'item', item })));
  core.link.tell({ do: 'send', items });
  const conversation = book.get(target);
  if (conversation?.loaded.value === true && !conversation.window.attached)
    void book.loader.newest(conversation, true);
  return DONE;
}
