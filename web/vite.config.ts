// How the page is built: one script, one style sheet, one worker, with hashes in their names.
import { defineConfig } from 'vitest/config';
import { compress } from './build/compress';
import { noPreload } from './build/no-preload';

export default defineConfig({
  base: '/',
  plugins: [noPreload(), compress()],
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    sourcemap: false,
    // One script holds all that is needed at the beginning; one holds what a conversation shares with menus and dialogs.
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'index', test: /node_modules|preload-helper|main\.tsx|index\.html/ },
            { name: 'shared', test: /view\/(author|BotAvatar|copy|frontIcons|grow|rights)\.tsx?$/ },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  test: {
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'tests/*.test.ts'],
    environment: 'node',
  },
});
