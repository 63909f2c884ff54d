// Says why somebody is not let in, with the reason that an operator gave.

import { isKey, loadTexts, t } from '../locales';
import type { Problem } from '../store/model';
import { problemText } from './problem';

/** The sentence for a problem at the door. The reason of an operator stands behind a colon. */
export function doorText(problem: Problem): string {
  const reason = problem.code === 'suspended' ? /: (.+)/u.exec(problem.explanation ?? '')?.[1] : undefined;
  return problemText(problem) + (reason === undefined ? '' : ` ${t('event.reason', { reason })}`);
}

/** Waits for the text of a problem, so that it is read in the user's language from the first moment, if there is one. */
export async function loadDoorText(problem: Problem): Promise<void> {
  if (!isKey(`problem.${problem.code}`)) await loadTexts('more').catch(() => undefined);
}
