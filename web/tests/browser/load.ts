// Measures the page under load, in a real browser at the real server: `npm run load`. The variable SECONDS says for how
// long messages arrive. It is no test.
import type { Page } from 'playwright-core';
import { it } from 'vitest';
import { LineClient } from './line-client';
import { Person, startBrowser } from './people';
import { Product } from './product';

const SECONDS = Number(process.env['SECONDS'] ?? '60');
const PER_SECOND = 200;
const IN_ROOM = 10_000;
/** Messages that are written at once. */
const PORTION = 10;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Adds up from now on how long tasks of more than 50 ms take. */
async function watchTasks(page: Page): Promise<() => Promise<{ count: number; ms: number }>> {
  await page.evaluate(() => {
    const seen = { count: 0, ms: 0 };
    Object.assign(globalThis, { seen });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        seen.count += 1;
        seen.ms += duration;
      }
    }).observe({ type: 'longtask' });
  });
  return () => page.evaluate(() => (globalThis as unknown as { seen: { count: number; ms: number } }).seen);
}

/** The heap of scripts after what is not needed was collected, in MiB. */
async function heap(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize / 2 ** 20;
}

const number = (value: number) => value.toFixed(1);

it('measures', async () => {
  const [browser, product] = await Promise.all([startBrowser(), Product.start('--line-rate', '0')]);
  try {
    const reader = await Person.register(browser, product, 'reader');
    const writer = await LineClient.register(product.port, 'writer');
    await reader.openRoom('load');
    await writer.ask('/join load');

    const tasks = await watchTasks(reader.page);
    const before = await heap(reader.page);
    const began = performance.now();
    let written = 0;
    while (performance.now() - began < SECONDS * 1000) {
      writer.write(
        ...Array.from({ length: PORTION }, () => `message ${++written} of many, with *some* text`),
      );
      await wait((written / PER_SECOND) * 1000 - (performance.now() - began));
    }
    await reader.sees(`message ${written} of many, with some text`);
    const took = performance.now() - began;
    const { count, ms } = await tasks();
    console.log(
      `${written} messages in ${number(took / 1000)} s: ${count} long tasks, ${number(ms)} ms, ` +
        `${number((100 * ms) / took)} % of the time; heap ${number(before)} -> ${number(await heap(reader.page))} MiB`,
    );

    while (written < IN_ROOM) await writer.ask(`message ${++written} of many`);
    const scrolling = performance.now();
    const already = await tasks();
    const log = reader.page.locator('.log');
    for (let step = 0; step < 400; step++) {
      await log.evaluate((element) => element.scrollBy(0, -1500));
      await wait(25);
    }
    const after = await tasks();
    const time = performance.now() - scrolling;
    const rows = await reader.page.locator('.log-row').count();
    console.log(
      `scrolled up for ${number(time / 1000)} s: ${after.count - already.count} long tasks, ` +
        `${number((100 * (after.ms - already.ms)) / time)} % of the time; ${rows} rows in the page; ` +
        `heap ${number(await heap(reader.page))} MiB`,
    );
    writer.close();
  } finally {
    await Promise.all([browser.close(), product.stop()]);
  }
});
