// Says in the user's language why something did not happen.

import { formatBrief, isKey, loadTexts, t } from '../locales';
import type { Problem } from '../store/model';

/**
 * The sentence for a problem. Until its text is loaded, and for a code without a text of ours, the server's words explain
 * it.
 */
export function problemText(problem: Problem): string {
  const key = `problem.${problem.code}`;
  if (!isKey(key)) {
    void loadTexts('more').catch(() => undefined);
    return problem.explanation ?? t('problem.unknown', { code: problem.code });
  }
  const sentence = t(key, {
    n: problem.seconds ?? problem.characters ?? problem.bytes ?? 0,
  });
  if (problem.until === undefined) return sentence;
  return `${sentence} ${t('problem.until', { time: formatBrief(new Date(problem.until)) })}`;
}
