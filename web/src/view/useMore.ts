// Loads the parts of the page that are not needed at its beginning.

import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { say } from './useTell';

type More = typeof import('./more');

const more = signal<More | null>(null);

/** These parts; null until they are here. `onFailure` is called if they cannot be loaded. */
export function useMore(onFailure: () => void): More | null {
  const loaded = more.value;
  useEffect(() => {
    if (loaded) return;
    import('./more').then(
      (module) => (more.value = module),
      (error: unknown) => {
        // Without a connection; or the server is a newer one, whose parts have other names.
        console.warn('a part of the page cannot be loaded', error);
        say({ problem: { code: 'part-missing' }, text: '' });
        onFailure();
      },
    );
  }, [loaded]);
  return loaded;
}
