// Finds out whether a text mentions a user: the name as a whole word, with or without @, in any case.

const EDGE = '[\\p{L}\\p{N}_-]';

/** What matches each mention of a user. It is made again for each user, not for each text. */
export function mentionOf(user: string): RegExp {
  return new RegExp(`(?<!${EDGE})@?${user}(?!${EDGE})`, 'iu');
}
