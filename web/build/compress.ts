// A step of the build: writes each file of the page in its compressed forms too, so that the server need not compress.
// It must not change a file.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** What is worth it: pictures are compressed already. */
const TEXT = /\.(?:html|js|css|svg|webmanifest|json)$/;

export function compress(): Plugin {
  return {
    name: 'parlor-compress',
    apply: 'build',
    writeBundle: ({ dir }) => {
      if (dir === undefined) return;
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
        if (TEXT.test(name)) writeForms(join(dir, name));
      }
    },
  };
}

function writeForms(path: string): void {
  const content = readFileSync(path);
  const forms = {
    gz: gzipSync(content, { level: 9 }),
    br: brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
  };
  for (const [ending, form] of Object.entries(forms)) {
    if (form.length < content.length) writeFileSync(`${path}.${ending}`, form);
  }
}
