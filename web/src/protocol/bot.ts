// Who said an entry: a user, or a program by a hook.
import type { Entry } from './entries';

/** Whether a program said it, by a hook. Its name is a label, and belongs to no user. */
export function isBot(entry: Entry): boolean {
  return 'bot' in entry && entry.bot;
}

/** Whether this user said or did it. */
export function isBy(entry: Entry, user: string): boolean {
  return entry.from === user && !isBot(entry);
}
