// Measures the page under load, in a real browser at the real server: `npm run load`. The variable SECONDS says for how
// long messages arrive. Long tasks are told by the clock on the wall, which other programs on the machine make longer, and
// by the time of the processor. It is no test.
import type { Browser, Page } from 'playwright-core';
import { it } from 'vitest';
import { LineClient } from './line-client';
import { Person, startBrowser } from './people';
import { Product } from './product';

const SECONDS = Number(process.env['SECONDS'] ?? '60');
const PER_SECOND = 200;
const IN_ROOM = 10_000;
/** Messages that are written at once. */
const PORTION = 10;
/** For so long the tasks are traced, too: for more the browser keeps no trace. */
const TRACED = Math.min(SECONDS, 30);
/** Longer tasks than this, in ms, are long. */
const LONG_TASK = 50;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Adds up from now on how long tasks of more than 50 ms take, by the clock on the wall. */
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

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly args: { readonly name?: string };
  /** The processor time of a task, in µs. */
  readonly tdur?: number;
}

/** The processor times of the tasks of the page until it is called back, in ms. They do not depend on other programs. */
async function traceTasks(browser: Browser, page: Page): Promise<() => Promise<readonly number[]>> {
  await browser.startTracing(page, { categories: ['toplevel'] });
  return async () => {
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
      traceEvents: readonly TraceEvent[];
    };
    const mains = new Set(
      traceEvents
        .filter((event) => event.name === 'thread_name' && event.args.name === 'CrRendererMain')
        .map(({ pid, tid }) => `${pid} ${tid}`),
    );
    return traceEvents
      .filter(({ name, pid, tid }) => name === 'ThreadControllerImpl::RunTask' && mains.has(`${pid} ${tid}`))
      .map(({ tdur }) => (tdur ?? 0) / 1000);
  };
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
const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

it('measures', async () => {
  const [browser, product] = await Promise.all([startBrowser(), Product.start('--line-rate', '0')]);
  try {
    const reader = await Person.register(browser, product, 'reader');
    const writer = await LineClient.register(product.port, 'writer');
    await reader.openRoom('load');
    await writer.ask('/join load');

    const tasks = await watchTasks(reader.page);
    const before = await heap(reader.page);
    const trace = await traceTasks(browser, reader.page);
    const began = performance.now();
    let traced: Promise<readonly number[]> | null = null;
    let written = 0;
    while (performance.now() - began < SECONDS * 1000) {
      writer.write(
        ...Array.from({ length: PORTION }, () => `message ${++written} of many, with *some* text`),
      );
      await wait((written / PER_SECOND) * 1000 - (performance.now() - began));
      if (performance.now() - began > TRACED * 1000) traced ??= trace();
    }
    await reader.sees(`message ${written} of many, with some text`);
    const took = performance.now() - began;
    const { count, ms } = await tasks();
    console.log(
      `${written} messages in ${number(took / 1000)} s: ${count} long tasks, ${number(ms)} ms, ` +
        `${number((100 * ms) / took)} % of the time; heap ${number(before)} -> ${number(await heap(reader.page))} MiB`,
    );

    const times = await (traced ?? trace());
    const long = times.filter((time) => time > LONG_TASK);
    console.log(
      `in the first ${TRACED} s, by processor time: ${long.length} long tasks; ` +
        `the longest took ${number(Math.max(...times))} ms, all together ` +
        `${number((100 * sum(times)) / (TRACED * 1000))} % of the time`,
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
