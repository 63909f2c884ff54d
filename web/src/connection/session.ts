// Logging in and out: `/session`. The ticket is a cookie that no script can read.
import { BAD, object, text } from '../protocol/schema';
import type { Outcome, Problem } from '../store/model';
import { DONE } from './outcome';
import { httpProblem } from './problem';
import type { RequestSession } from './ports';

const user = object({ user: text });

/** Whose ticket the browser has. */
export interface Identity {
  /** Null if it is nobody's, or not known. */
  readonly user: string | null;
  /** Why it is not known; null if it is. */
  readonly problem: Problem | null;
}

export async function whoAmI(request: RequestSession): Promise<Identity> {
  const answer = await request('GET');
  if (answer?.status === 401) return { user: null, problem: null };
  const read = answer?.status === 200 ? user.read(answer.body) : BAD;
  return read === BAD ? { user: null, problem: httpProblem(answer) } : { user: read.user, problem: null };
}

/** Who logs in, and how. */
export interface Account {
  readonly user: string;
  readonly password: string;
  /** Whether the account is made first. */
  readonly register: boolean;
  /** The code of the invitation that makes it; null without one. */
  readonly invite: string | null;
}

/** Logs in, or makes the account first. The value is the name of the user as the server writes it. */
export async function logIn(
  request: RequestSession,
  { user: name, password, register, invite }: Account,
): Promise<Outcome<string>> {
  const answer = await request('POST', {
    user: name,
    password,
    ...(register && { register }),
    ...(invite !== null && { invite }),
  });
  const read = answer?.status === 200 ? user.read(answer.body) : BAD;
  if (read === BAD) return { ok: false, problem: httpProblem(answer) };
  return { ok: true, value: read.user };
}

/** Revokes the ticket. A ticket that is void already is no failure. */
export async function logOut(request: RequestSession): Promise<Outcome<undefined>> {
  const answer = await request('DELETE');
  if (answer?.status === 204 || answer?.status === 401) return DONE;
  return { ok: false, problem: httpProblem(answer) };
}
