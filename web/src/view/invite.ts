// An invitation to the server in the address of the page: `#invite=<code>`.

const FORM = /^#invite=(pli_[0-9a-f]{40})$/;

/** The code of an address; null if it has none. */
export function inviteOf(hash: string): string | null {
  return FORM.exec(hash)?.[1] ?? null;
}

/** The address that somebody is invited by. */
export function inviteLink(code: string): string {
  return `${location.origin}/#invite=${code}`;
}
