// Says in the user's language why something did not happen.

import { formatBrief, isKey, t } from '../locales';
import type { Problem } from '../store/model';

/** The sentence for a problem. A code without a text of ours is explained by the server's words. */
export function problemText(problem: Problem): string {
  const key = `problem.${problem.code}`;
  if (!isKey(key)) return problem.explanation ?? t('problem.unknown', { code: problem.code });
  const sentence = t(key, {
    n: problem.seconds ?? problem.characters ?? problem.bytes ?? 0,
  });
  if (problem.until === undefined) return sentence;
  return `${sentence} ${t('problem.until', { time: formatBrief(new Date(problem.until)) })}`;
}
