// Says why somebody is not let in, with the reason that an operator gave.

import { isKey, loadTexts, t } from '../locales';
import type { Problem } from '../store/model';
import { problemText } from './problem';

/** The sentence for a problem at the door. The reason of an operator stands behind a colon. */
export function doorText(problem: Problem): string {
  const reason = problem.code === 'suspended' ? /: (.+)/u.exec(problem.explanation ?? '')?.[1] : undefined;
  return problemText(problem) + (reason === undefined ? '' : ` ${t('event.reason', { reason })}`);
}

/** Ms that the text of a problem may take. */
const PATIENCE = 2_000;

/** Waits until the text of a problem is loaded, so that its first words are in the user's language. Never rejects. */
export async function loadDoorText(problem: Problem): Promise<void> {
  if (isKey(`problem.${problem.code}`)) return;
  await Promise.race([
    loadTexts('more').catch(() => undefined),
    new Promise((done) => setTimeout(done, PATIENCE)),
  ]);
}
