// What the page loads when, in a real browser at the real server; and what becomes of it if a part is not there any more.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Person, startBrowser } from './people';
import { Product } from './product';

let browser: Browser;
let product: Product;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start()]);
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

/** The names of the scripts that the page has loaded, without their hashes. */
async function scripts({ page }: Person): Promise<readonly string[]> {
  const urls = await page.evaluate(() =>
    performance
      .getEntriesByType('resource')
      .map((entry) => entry.name)
      .filter((name) => name.endsWith('.js')),
  );
  return urls.map((url) => /\/([\w-]+)-[\w-]{8}\.js$/.exec(url)?.[1] ?? url).sort();
}

describe('the page', () => {
  it('paints first without a script', async () => {
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    await page.route('**/*.js', () => undefined);
    void page.goto(`https://${product.address}/`).catch(() => undefined);
    await page.locator('.splash svg').waitFor();
    await expect
      .poll(() => page.evaluate(() => performance.getEntriesByName('first-contentful-paint').length))
      .toBe(1);
    await page.close();
  });

  it('loads what it shows, and more when it is asked for', async () => {
    const ann = await Person.register(browser, product, 'ann');
    await ann.openRoom('garden');
    await ann.page.goto(ann.address);
    await ann.isInside();
    await ann.page.locator('.empty').waitFor();
    expect(await scripts(ann)).toEqual(['en', 'index']);
    await ann.show('garden');
    await ann.page.locator('.composer').waitFor();
    expect(await scripts(ann)).toEqual(['en', 'front', 'index', 'shared']);
    await ann.page.getByRole('button', { name: 'What you can do here' }).click();
    await ann.page.locator('[role=menuitem]:focus').waitFor();
    expect(await scripts(ann)).toEqual(
      ['attention', 'en', 'en-more', 'front', 'index', 'more', 'shared', 'TextField'].sort(),
    );
    await ann.leave();
  });

  it('speaks German without loading English', async () => {
    const uta = await Person.arrive(browser, product, 'uta', { locale: 'de-DE' });
    await uta.page.getByRole('button', { name: 'Konto anlegen' }).waitFor();
    expect(await scripts(uta)).toEqual(['de', 'de-door', 'door', 'index', 'TextField'].sort());
    await uta.page.getByRole('button', { name: 'English' }).click();
    await uta.page.getByRole('button', { name: 'Make an account' }).waitFor();
    await uta.leave();
  });
});

describe('a part that cannot be loaded', () => {
  it('is told, with an offer to reload, wherever it is asked for', async () => {
    const ben = await Person.register(browser, product, 'ben');
    await ben.context.route(/\/assets\/(more|late)-/, (route) => route.fulfill({ status: 404 }));
    const told = ben.page.locator('.notice', { hasText: 'A part of the page cannot be loaded' });
    const asks = [
      () => ben.page.getByRole('button', { name: 'Settings' }).click(),
      () => ben.page.getByRole('button', { name: 'What you can do here' }).click(),
      () => ben.page.keyboard.press('Control+k'),
    ];
    for (const ask of asks) {
      await ask();
      await told.waitFor();
      expect(await ben.page.locator('dialog').count()).toBe(0);
      await told.getByRole('button', { name: 'Dismiss' }).click();
      await told.waitFor({ state: 'detached' });
    }
    await ben.say('/topic lobby hello');
    await ben.page
      .locator('.composer-hint.wrong', { hasText: 'A part of the page cannot be loaded' })
      .waitFor();
    expect(await ben.page.locator('.composer textarea').inputValue()).toBe('/topic lobby hello');

    await ben.page.getByRole('button', { name: 'Settings' }).click();
    await told.waitFor();
    await ben.context.unroute(/\/assets\/(more|late)-/);
    await told.getByRole('button', { name: 'Reload' }).click();
    await ben.isInside();
    expect(await ben.page.locator('.composer textarea').inputValue()).toBe('/topic lobby hello');
    await ben.page.getByRole('button', { name: 'Settings' }).click();
    await ben.page.getByRole('dialog', { name: 'Settings' }).waitFor();
    await ben.leave();
  });

  it.each(['door', 'en', 'front'])(
    'and without which nothing can be shown leads to a page that says so: %s',
    async (part) => {
      const name = `eve-${part}`;
      const eve =
        part === 'front'
          ? await Person.register(browser, product, name)
          : await Person.arrive(browser, product, name);
      const form = new RegExp(`/assets/${part}-`);
      await eve.context.route(form, (route) => route.fulfill({ status: 404 }));
      await eve.page.goto('about:blank');
      await eve.page.goto(`${eve.address}#/room/lobby`);
      await eve.page.getByRole('alert').getByText('A part of the page cannot be loaded').waitFor();
      await eve.context.unroute(form);
      await eve.page.getByRole('button', { name: 'Reload' }).click();
      await eve.page
        .locator(part === 'front' ? '.composer' : '.door input')
        .first()
        .waitFor();
      await eve.leave();
    },
  );
});
