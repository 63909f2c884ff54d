// What the user can do with conversations and messages that waits for the server: enter, leave, edit, remove.
import { DONE, failed } from '../connection/outcome';
import { cleanText, command, isBlank } from '../protocol/lines';
import { nameOf, targetOf } from '../protocol/target';
import type { Conversation } from './conversation';
import type { Core } from './core';
import type { Actions, Outcome } from './model';

export type Changes = Pick<Actions, 'openRoom' | 'closeConversation' | 'edit' | 'remove'>;

export function changeActions(core: Core, show: Actions['show']): Changes {
  const { link } = core;
  return {
    openRoom: async (typed) => {
      const room = typed.toLowerCase();
      const id = targetOf('room', room);
      const known = core.conversation(id);
      if (known?.lost.value !== null) {
        const outcome = await link.run(command('open', [room]));
        if (!outcome.ok && outcome.problem.code !== 'already-in-room') return outcome;
        if (!outcome.ok) await core.book.value?.refresh();
      }
      show(id);
      return DONE;
    },
    closeConversation: async (id) => {
      const conversation = core.conversation(id);
      const outcome = conversation === undefined ? DONE : await close(core, conversation);
      if (outcome.ok && core.shown.value === id) show(null);
      return outcome;
    },
    edit: (id, message, text) =>
      isBlank(text)
        ? Promise.resolve(failed('nothing-to-send'))
        : link.run(command('edit', [nameOf(id), message], cleanText(text))),
    remove: (id, message, reason) => link.run(command('remove', [nameOf(id), message], reason)),
  };
}

async function close({ link, book }: Core, { id, kind, name, newest, lost }: Conversation): Promise<Outcome> {
  if (kind === 'feed') return link.run(command('unsubscribe', [name]));
  if (kind === 'room' && lost.value === null) return link.run(command('close', [name]));
  if (kind === 'direct') book.value?.env.kept.hide(id, newest);
  book.value?.remove(id);
  return Promise.resolve(DONE);
}
