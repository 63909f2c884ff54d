// Whether the server made its certificate itself: then a program has to be given the authority behind it.

/** Where that authority is. */
export const AUTHORITY = '/ca.pem';

/** Asks the server. False also if that cannot be learnt. */
export async function hasOwnAuthority(): Promise<boolean> {
  try {
    const answer = await fetch(AUTHORITY, { method: 'HEAD' });
    return answer.ok && answer.headers.get('content-type') === 'application/x-x509-ca-cert';
  } catch {
    return false;
  }
}
