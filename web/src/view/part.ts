// The parts of the page that are loaded when they are wanted first, and what becomes of the page if one is not there.

import { signal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { loadTexts } from '../locales';
import type { Part as Texts } from '../locales/types';
import { say } from './useTell';

/** A part that is loaded once. */
export interface Part<T> {
  /** Null until it is here. */
  readonly module: Signal<T | null>;
  /** Loads it with its texts. Rejects if that fails; the next call tries again. */
  readonly load: () => Promise<T>;
}

function part<T>(from: () => Promise<T>, texts?: Texts): Part<T> {
  const module = signal<T | null>(null);
  const load = async () => {
    const [loaded] = await Promise.all([from(), texts && loadTexts(texts)]);
    module.value = loaded;
    return loaded;
  };
  return { module, load };
}

/** What stands in front of the chat. */
export const door = part(() => import('./door'), 'door');
/** The conversation in front. */
export const front = part(() => import('./front'));
/** Menus, dialogs, profiles, and the box to edit a message. */
export const more = part(() => import('./more'), 'more');

/** Completion in the composer. */
export const completion = part(() => import('./completing'));

export type More = typeof import('./more');
export type Completing = typeof import('./completing');

/** Whether something is missing without which nothing can be shown. */
export const isBroken = signal(false);

/** A part; null until it is here. `onFailure` is called if it cannot be loaded. */
export function usePart<T>(wanted: Part<T>, onFailure: () => void): T | null {
  const loaded = wanted.module.value;
  useEffect(() => {
    if (loaded === null) wanted.load().catch(onFailure);
  }, [loaded]);
  return loaded;
}

/** Menus, dialogs and profiles; null until they are here. If they cannot be loaded, the user is told. */
export function useMore(onFailure: () => void): More | null {
  return usePart(more, () => {
    // Without a connection; or the server is a newer one, whose parts have other names.
    say({ problem: { code: 'part-missing' }, text: '' });
    onFailure();
  });
}
