// Every page and dialog, in a real browser: nothing is wider than the window, the browser complains about nothing, and
// the rules of accessibility hold.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Browser } from './browser';
import { SCENES } from './scenes';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Long enough for what is loaded later, and for the pause of the live region. */
const SETTLE_MS = 400;

let browser: Browser;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(() => browser.stop());

describe('the page', () => {
  // A scene mostly waits.
  it.concurrent.for(SCENES)('is in order: $name', async ({ name, size, dark, hash, go }, { expect }) => {
    const { page, complaints } = await browser.open(size, dark === true, hash);
    await go?.(page);
    await page.waitForTimeout(SETTLE_MS);
    const directory = process.env['SHOTS'];
    if (directory !== undefined) await page.screenshot({ path: join(directory, `${name}.png`) });
    expect(await tooWide(page)).toEqual([]);
    // What is loaded later may come after the pause.
    await expect.poll(() => violations(page), { timeout: 20_000 }).toEqual([]);
    expect(complaints).toEqual([]);
    await browser.giveBack(page);
  });
});

/** What reaches beyond the window, and would have to be scrolled to. */
function tooWide(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    return [...document.querySelectorAll('#app *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
      .map((element) => `${element.tagName}.${element.getAttribute('class') ?? ''}`);
  });
}

/** What is against the rules. Everything else that was found stays in the browser: it is a hundred times as much. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (how: RunOptions) => Promise<AxeResults> } };
    const results = await axe.run({ resultTypes: ['violations'] });
    return results.violations.map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.html).join(' | ')}`);
  });
}
