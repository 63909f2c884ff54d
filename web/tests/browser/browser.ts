// A real browser in front of the page with the store in memory, for the tests of this directory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { build, preview, type PreviewServer } from 'vite';

/** The flags of the browser in all tests. */
export const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-proxy-server',
];

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Opened {
  readonly page: Page;
  /** What the browser complained about. */
  readonly complaints: readonly string[];
}

export class Browser {
  readonly #server: PreviewServer;
  readonly #context: BrowserContext;
  readonly #profile: string;
  readonly #free: Page[] = [];
  #opened = 0;

  private constructor(server: PreviewServer, context: BrowserContext, profile: string) {
    this.#server = server;
    this.#context = context;
    this.#profile = profile;
  }

  static async start(): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'parlor-browser-'));
    // Built once: a browser that gets each module by itself takes most of the time of a test for that.
    const outDir = join(profile, 'page');
    const input = 'tests/preview.html';
    await build({
      configFile: false,
      logLevel: 'error',
      build: { outDir, target: 'es2022', rolldownOptions: { input } },
    });
    const server = await preview({
      configFile: false,
      build: { outDir },
      preview: { port: 0, host: '127.0.0.1' },
    });
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      headless: true,
      args: FLAGS,
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    });
    // The server of these tests is its own authority.
    await context.route('**/ca.pem', (route) => route.fulfill({ body: '' }));
    return new Browser(server, context, profile);
  }

  /** Opens the page afresh, in a window that was given back, if there is one. */
  async open(size: Size, dark: boolean, hash = ''): Promise<Opened> {
    const page = this.#free.pop() ?? (await this.#context.newPage());
    // Nothing is under the mouse that the last scene left.
    await page.mouse.move(0, 0);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
    const address = this.#server.resolvedUrls?.local[0] ?? '';
    this.#opened += 1;
    // Another address than the one before, so that it is loaded again.
    await page.goto(`${address}tests/preview.html?${this.#opened}${hash}`);
    await page.waitForSelector('#app > :not(.splash)');
    await page.waitForFunction(() => document.querySelector('.main > .skeleton') === null);
    return { page, complaints };
  }

  /** Gives a window back, since a new one costs the browser a process. */
  async giveBack(page: Page): Promise<void> {
    await page.goto('about:blank');
    page.removeAllListeners('console');
    page.removeAllListeners('pageerror');
    this.#free.push(page);
  }

  async stop(): Promise<void> {
    await this.#context.close();
    await this.#server.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}
