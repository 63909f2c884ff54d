// A step of the build: parts of the page that are loaded later are plain imports. They have no styles of their own, which
// is what the helper of Vite would load first.
import type { Plugin } from 'vite';

const HELPER = '\0vite/preload-helper.js';

export function noPreload(): Plugin {
  return {
    name: 'parlor-no-preload',
    apply: 'build',
    enforce: 'pre',
    load: (id) => (id === HELPER ? 'export const __vitePreload = (load) => load();' : null),
  };
}
