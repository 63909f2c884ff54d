// Decides whether a message speaks to a user: by `@name` anywhere, or by `name:` or `name,` at its beginning.

import { parseInline, type Inline } from './inline';

/** Whether `text` mentions `user`. Names inside code and links do not count. */
export function mentions(text: string, user: string): boolean {
  const lower = text.toLowerCase();
  if (!lower.includes(user)) return false;
  if (lower.startsWith(user) && /^[:,](\s|$)/.test(lower.slice(user.length))) return true;
  return anyMention(parseInline(text), user);
}

function anyMention(inlines: readonly Inline[], user: string): boolean {
  return inlines.some((part) => {
    if (part.kind === 'user') return part.name === user;
    return 'children' in part && anyMention(part.children, user);
  });
}
