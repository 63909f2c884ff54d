// The list of messages in a real browser: where the reader is stays where it is, whatever comes and goes around it.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Browser } from './browser';
import { manyMessages } from './states';

let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(() => browser.stop());
beforeEach(async () => {
  ({ page } = await browser.open({ width: 1000, height: 800 }, false));
  await page.evaluate(manyMessages);
  await settled();
});
afterEach(() => page.close());

const settled = () => page.waitForTimeout(250);
const scrollTo = async (top: number) => {
  await page.evaluate((value) => {
    const log = document.querySelector('.log');
    if (log) log.scrollTop = value;
  }, top);
  await settled();
};
const below = () =>
  page.evaluate(() => {
    const log = document.querySelector('.log');
    return log ? log.scrollHeight - log.scrollTop - log.clientHeight : NaN;
  });
/** The first row whose upper edge is inside the window, and where it is. */
const firstSeen = () =>
  page.evaluate(() => {
    const log = document.querySelector('.log');
    const edge = log?.getBoundingClientRect().top ?? 0;
    const row = [...document.querySelectorAll<HTMLElement>('.log-row')].find(
      (each) => each.getBoundingClientRect().top >= edge,
    );
    return { key: row?.dataset['key'], top: Math.round((row?.getBoundingClientRect().top ?? NaN) - edge) };
  });
const prepend = (count: number) =>
  page.evaluate((number) => {
    const model = window.store.conversation('#garden');
    if (!model) return;
    const older = Array.from({ length: number }, (_, index) =>
      window.messageRow({
        id: 100_000 + index,
        text: `Older ${'and some more words '.repeat(index % 9)}`,
        startsGroup: index % 2 === 0,
      }),
    );
    model.rows.value = [...older, ...model.rows.value];
  }, count);
const say = (text: string) => page.evaluate((words) => window.store.hear('#garden', 'bob', words), text);

describe('ten thousand messages', () => {
  it('begin at the end, and few of them are in the page', async () => {
    expect(await below()).toBeLessThanOrEqual(1);
    expect(await page.locator('.log-row').count()).toBeLessThan(120);
    expect(await page.locator('.log-row').last().textContent()).toContain('Message 10000');
  });

  it('follow the end while the reader is there', async () => {
    await say(`a long one ${'word '.repeat(200)}`);
    await settled();
    expect(await below()).toBeLessThanOrEqual(1);
    expect(await page.locator('.log-row').last().textContent()).toContain('a long one');
  });

  it('stay still while the reader is elsewhere', async () => {
    await scrollTo(200_000);
    const before = await firstSeen();
    await say('news');
    await settled();
    expect(await firstSeen()).toEqual(before);
  });

  it('stay still when older ones are loaded above', async () => {
    await scrollTo(3000);
    const before = await firstSeen();
    await prepend(100);
    await settled();
    expect(await firstSeen()).toEqual(before);
    await scrollTo(0);
    expect(await page.locator('.log-row').first().textContent()).toContain('Older');
  });

  it('ask for older ones at the upper edge', async () => {
    await page.evaluate(() => {
      const model = window.store.conversation('#garden');
      if (model) model.older.value = 'more';
      const counted = window as unknown as { asked: number };
      counted.asked = 0;
      window.store.actions.loadOlder = () => {
        counted.asked++;
        return Promise.resolve({ ok: true, value: undefined });
      };
    });
    await scrollTo(0);
    expect(await page.evaluate(() => (window as unknown as { asked: number }).asked)).toBeGreaterThan(0);
  });

  it('stay still when the window becomes narrower', async () => {
    await scrollTo(150_000);
    const before = await firstSeen();
    await page.setViewportSize({ width: 760, height: 800 });
    await settled();
    expect((await firstSeen()).key).toBe(before.key);
  });

  it('are read from the keyboard', async () => {
    await page.locator('.log').focus();
    for (let step = 0; step < 30; step++) {
      await page.keyboard.press('ArrowUp');
      await page.waitForTimeout(30);
    }
    const focused = await page.evaluate(() => document.activeElement?.textContent ?? '');
    expect(focused).toContain('Message 9971 ');
    expect(await page.evaluate(() => document.activeElement?.matches('.message.active'))).toBe(true);
  });

  it('have a button back to the end', async () => {
    await scrollTo(100_000);
    await page.getByRole('button', { name: 'To the newest' }).click();
    await settled();
    expect(await below()).toBeLessThanOrEqual(1);
    expect(await page.locator('.log-row').last().textContent()).toContain('Message 10000');
  });

  it('scroll by wheel without a jump', async () => {
    await scrollTo(300_000);
    await page.mouse.move(600, 400);
    let last = await page.evaluate(() => document.querySelector('.log')?.scrollTop ?? 0);
    for (let step = 0; step < 40; step++) {
      await page.mouse.wheel(0, -120);
      await page.waitForTimeout(40);
      const now = await page.evaluate(() => document.querySelector('.log')?.scrollTop ?? 0);
      expect(now).toBeLessThanOrEqual(last + 2);
      last = now;
    }
    await settled();
    expect(await page.evaluate(() => document.querySelector('.log')?.scrollTop)).toBeCloseTo(
      300_000 - 40 * 120,
      -3,
    );
  });
});
