// Why a connection ended, and what a client does then.
import type { ByeCode } from '../protocol/codes';

/** The close codes of WebSocket that stand for goodbyes. */
const CLOSE_CODES: Readonly<Record<number, ByeCode>> = {
  1000: 'quit',
  1001: 'server-shutdown',
  4001: 'logged-in-elsewhere',
  4002: 'login-timeout',
  4003: 'too-many-failures',
  4004: 'slow-consumer',
  4005: 'kicked',
  4006: 'idle-timeout',
  4007: 'suspended',
  4008: 'logged-out',
};

/** The goodbye that a close code stands for; null if the connection broke without one. */
export function goodbyeOf(closeCode: number): ByeCode | null {
  return CLOSE_CODES[closeCode] ?? null;
}

/** What comes after the end. */
export type Aftermath =
  /** Another client has the session now. Only the user gets it back. */
  | 'taken-over'
  /** The server does not want this session. Its ticket may be void. */
  | 'refused'
  /** Try again, with growing pauses. */
  | 'retry';

export function aftermathOf(goodbye: string | null): Aftermath {
  switch (goodbye) {
    case 'logged-in-elsewhere':
      return 'taken-over';
    case 'kicked':
    case 'suspended':
    case 'logged-out':
    case 'quit':
      return 'refused';
    default:
      return 'retry';
  }
}
