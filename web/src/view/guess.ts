// Guesses how high a row will be before it is drawn, so that the scroll bar is nearly right.

import type { Row } from '../store/model';

const LINE = 22;
const LETTER = 7.5;
/** What stands beside the text: the column of the avatar and the margins. */
const BESIDE = 82;

/** The height in pixels, for a list of this width. */
export function guessHeight(row: Row, width: number): number {
  switch (row.kind) {
    case 'message': {
      const perLine = Math.max(20, Math.min((width || 700) - BESIDE, 768) / LETTER);
      return Math.ceil(Math.max(1, row.text.length) / perLine) * LINE + (row.startsGroup ? 34 : 4);
    }
    case 'day':
    case 'new':
      return 44;
    case 'invitation':
      return 80;
    default:
      return 24;
  }
}
