// The author of a message in words: what a program said is never taken for that of a person.

import { t } from '../locales';

interface Authored {
  readonly author: string;
  readonly isBot: boolean;
}

/** The name, with what tells a program apart where no badge can stand. */
export function authorText({ author, isBot }: Authored): string {
  return isBot ? `${author} (${t('message.bot')})` : author;
}
