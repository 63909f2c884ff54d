// The outcomes that this client tells by itself.
import type { LocalProblemCode, Outcome, Problem } from '../store/model';

export function failed(code: LocalProblemCode): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { code } };
}

export const DONE: Outcome<undefined> = { ok: true, value: undefined };
