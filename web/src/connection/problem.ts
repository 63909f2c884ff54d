// Makes a `Problem` of what the server says: its code, and the numbers and times in its explanation.
import { object, optional, text, BAD } from '../protocol/schema';
import type { Problem } from '../store/model';
import type { HttpAnswer } from './ports';

const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/u;
const WITH_END = new Set(['suspended', 'banned', 'muted']);
const WITH_SECONDS = new Set(['too-many-attempts', 'takeover-loop']);

/** The problem that a refusal or a goodbye tells. */
export function problemOf(code: string, explanation: string): Problem {
  const number = Number.parseInt(/\d+/u.exec(explanation)?.[0] ?? '', 10);
  const counted = Number.isNaN(number) ? undefined : number;
  const end = Date.parse(TIME.exec(explanation)?.[0] ?? '');
  return {
    code,
    explanation,
    ...(WITH_SECONDS.has(code) && counted !== undefined && { seconds: counted }),
    ...(code === 'password-too-short' && counted !== undefined && { characters: counted }),
    ...(code === 'line-too-long' && counted !== undefined && { bytes: counted }),
    ...(WITH_END.has(code) && !Number.isNaN(end) && { until: end }),
  };
}

const refusal = object({ code: text, message: optional(text) });

/** The problem that an answer of `/session` tells. */
export function httpProblem(answer: HttpAnswer | null): Problem {
  if (answer === null) return { code: 'not-connected' };
  const read = refusal.read(answer.body);
  if (read === BAD) return { code: answer.status === 403 ? 'wrong-origin' : 'unexpected-answer' };
  const problem = problemOf(read.code, read.message ?? '');
  return answer.retryAfter === null ? problem : { ...problem, seconds: answer.retryAfter };
}
