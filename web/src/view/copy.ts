// Puts a text into the clipboard. A browser may refuse that; then the user is told, and copies by hand.

import { t } from '../locales';
import { say } from './useTell';

/** Copies. False if the browser does not allow it. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    console.warn('the browser does not let this page copy', error);
    return false;
  }
}

/** Copies, and tells whether that worked. */
export async function copyAndTell(text: string): Promise<void> {
  if (await copy(text)) say({ problem: null, text: t('copied') });
  else say({ problem: { code: 'no-clipboard' }, text: '' });
}
