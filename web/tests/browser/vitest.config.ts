// The tests that look at the page in a real browser: `npm run test:browser`. The variable CHROMIUM names the browser,
// SHOTS a directory for pictures of every page.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['tests/browser/**/*.test.ts'],
    environment: 'node',
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // Each file has a browser of its own, which mostly waits.
    maxWorkers: 3,
    maxConcurrency: 4,
  },
});
