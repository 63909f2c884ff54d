// What uses a real browser and the real server, and is no test: `npm run shots`, `npm run load`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['tests/browser/shots.ts', 'tests/browser/load.ts'],
    environment: 'node',
    testTimeout: 1_200_000,
    hookTimeout: 240_000,
    fileParallelism: false,
  },
});
