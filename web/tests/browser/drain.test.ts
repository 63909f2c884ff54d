// A server that is taken away while people write: its pages move to another server, and nobody notices.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { LineClient } from './line-client';
import { Person, startBrowser } from './people';
import { Balancer, Product, Redis } from './product';

declare global {
  interface Window {
    /** What a person would have noticed. */
    noticed: string[];
    /** What has to stay in the page as it is. */
    kept: readonly Element[];
  }
}

/** Notes everything that tells of a connection, and everything that would flash. Runs in the page. */
function notice(): void {
  const signs = '.banner, .me-state:not(.live), .notice, .skeleton, .splash, .door, .edge-row';
  const look = () => {
    for (const sign of document.querySelectorAll(signs)) window.noticed.push(sign.className);
    if (document.querySelector('.message') === null) window.noticed.push('no messages');
  };
  window.noticed = [];
  window.kept = [
    ...document.querySelectorAll('.log, .log-row:last-child, .composer textarea, .side-entry, .member'),
  ];
  new MutationObserver(look).observe(document, {
    subtree: true,
    childList: true,
    attributes: true,
    characterData: true,
  });
  look();
}

const isKept = (page: Page) => page.evaluate(() => window.kept.every((element) => element.isConnected));

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

describe('a server that is drained', () => {
  it('hands its pages over without a flicker, and what is being typed stays', async () => {
    const redis = await Redis.start();
    const [one, two] = await Promise.all([
      Product.start('--redis', redis.url),
      Product.start('--redis', redis.url),
    ]);
    const balancer = await Balancer.start(one, two);
    onTestFinished(async () => {
      balancer.stop();
      await Promise.all([one.stop(), two.stop(), redis.stop()]);
    });
    const ann = await Person.register(browser, balancer, 'ann');
    await ann.openRoom('garden');
    const ben = await LineClient.register(two.port, 'ben');
    await ben.ask('/join garden');
    for (let n = 1; n <= 30; n++) await ben.ask(`message ${n}`);
    await ann.sees('message 30');
    await ann.page.evaluate(notice);

    const typed = 'Is anybody still here while the server is taken away?';
    const drained = one.drain();
    await ann.page.locator('.composer textarea').focus();
    await ann.page.keyboard.type(typed, { delay: 60 });
    await drained;
    await ben.ask('I am on the other server');
    await ann.sees('I am on the other server');
    expect(await ann.page.locator('.composer textarea:focus').inputValue()).toBe(typed);
    await ann.page.keyboard.press('Enter');
    await ann.sees(typed);
    expect((await ben.history('garden')).at(-1)).toMatchObject({ from: 'ann', text: typed });
    expect(await ann.page.evaluate(() => window.noticed)).toEqual([]);
    expect(await isKept(ann.page)).toBe(true);
    ben.close();
    await ann.leave();
  });
});
