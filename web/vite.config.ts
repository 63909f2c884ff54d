// How the page is built: one script, one style sheet, one worker, with hashes in their names.
import { defineConfig } from 'vitest/config';
import { compress } from './build/compress';

export default defineConfig({
  base: '/',
  plugins: [compress()],
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
  worker: { format: 'es' },
  test: {
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'tests/*.test.ts'],
    environment: 'node',
  },
});
