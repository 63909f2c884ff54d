// A browser that does not know the authority of the server: its user goes on in spite of the warning. Then pages may
// connect, and workers only as long as they find a connection that a page has opened.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineClient } from './line-client';
import { Person, startBrowser } from './people';
import { Product } from './product';

/** Longer than the server keeps a connection on which nothing is asked, in ms. */
const IDLE = 12_000;

let browser: Browser;
let product: Product;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser([]), Product.start()]);
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

/** Goes on in spite of the warning, which is clicked away once for each profile. */
async function goOn(page: Page): Promise<void> {
  await page.locator('#details-button').click();
  await page.locator('#proceed-link').click();
}

describe('a certificate that a user accepted', () => {
  it('shows what is wrong at the door after that, and what was filled in', async () => {
    (await LineClient.register(product.port, 'taken')).close();
    const kim = await Person.arrive(browser, product, 'taken', { ignoreHTTPSErrors: false }, goOn);
    await kim.page.getByRole('button', { name: 'Make an account' }).click();
    await kim.page.waitForTimeout(IDLE);
    await kim.fillDoor();
    await kim.page.getByText('This name is taken.').waitFor();
    expect(await kim.page.getByLabel('Name', { exact: true }).inputValue()).toBe('taken');
    await kim.leave();
  });

  it('lets in who thinks for a while at the door', async () => {
    const ida = await Person.arrive(browser, product, 'ida', { ignoreHTTPSErrors: false }, goOn);
    await ida.page.getByRole('button', { name: 'Make an account' }).click();
    await ida.page.waitForTimeout(IDLE);
    await ida.fillDoor();
    await ida.isInside();
    await ida.say('here I am');
    await ida.sees('here I am');
    expect(ida.complaints).toEqual([]);

    // Tabs share no connection then: the newest one has it, and the others say so.
    const tab = await ida.openTab();
    await ida.isInside(tab);
    await ida.page.getByText('another tab').waitFor();
    await ida.leave();
  });
});
