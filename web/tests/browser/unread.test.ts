// Much was said while somebody was away: what is new can be reached, and the reader keeps the place on the way there.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineClient } from './line-client';
import { LONG, Person, startBrowser } from './people';
import { Product } from './product';

const MANY = 170;
/** So that a page of messages is much higher than the window. */
const WORDS = 'and some more words '.repeat(12).trim();
/** So much is loaded at once. */
const PAGE = 50;

let browser: Browser;
let product: Product;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start('--line-rate', '0')]);
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

/** The number in the first message that the window shows. */
function firstShown({ page }: Person): Promise<number> {
  return page.evaluate(() => {
    const edge = document.querySelector('.log')?.getBoundingClientRect().top ?? 0;
    const rows = [...document.querySelectorAll('.log-row')];
    const shown = rows.filter((row) => row.getBoundingClientRect().bottom > edge);
    const texts = shown.map((row) => /line (\d+)/.exec(row.querySelector('.text')?.textContent ?? '')?.[1]);
    return Number(texts.find((text) => text !== undefined) ?? NaN);
  });
}

/** Somebody who was away while so much was said in the room `garden`, and looks at it now. */
async function comeBack(
  name: string,
  many: number,
  room: string,
  words: string,
  viewport: { readonly width: number; readonly height: number },
): Promise<Person> {
  const person = await Person.register(browser, product, name, { viewport });
  await person.openRoom(room);
  const writer = await LineClient.register(product.port, `writer-of-${room}`);
  await writer.ask(`/join ${room}`);
  await writer.ask('before');
  await person.sees('before');
  await person.page.waitForTimeout(2_000);
  await person.page.goto('about:blank');
  for (let line = 1; line <= many; line++) await writer.ask(`line ${line} ${words}`);
  writer.close();
  await person.page.goto(person.address);
  await person.isInside();
  await person.show(room);
  return person;
}

describe('a room with much that is new', () => {
  it('shows all of it to who scrolls up, and keeps the place while it loads', async () => {
    const ada = await comeBack('ada', MANY, 'garden', WORDS, { width: 1200, height: 700 });
    const news = ada.page.locator('.rule.new');
    await ada.message(`line ${MANY}`).waitFor();
    expect(await news.count()).toBe(0);

    const log = await ada.page.locator('.log').boundingBox();
    await ada.page.mouse.move((log?.x ?? 0) + 200, (log?.y ?? 0) + 200);
    let before = await firstShown(ada);
    for (let step = 0; step < 200 && before > 1; step++) {
      await ada.page.mouse.wheel(0, -300);
      await ada.page.waitForTimeout(120);
      const now = await firstShown(ada);
      expect(now).toBeLessThanOrEqual(before);
      expect(before - now).toBeLessThan(25);
      before = now;
    }
    expect(before).toBe(1);
    await ada.page.mouse.wheel(0, -3000);
    await ada.page.locator('.beginning').waitFor();
    expect(await ada.page.locator('.edge-row').count()).toBe(0);
    const texts = await ada.page.locator('.log-row').allInnerTexts();
    const line = texts.findIndex((text) => text.includes('New since you were away'));
    expect(texts[line - 1]).toContain('before');
    expect(texts[line + 1]).toContain('line 1');
    expect(ada.complaints).toEqual([]);
    await ada.leave();
  });

  it('goes to the beginning of it by a button, and on from there', async () => {
    const cid = await comeBack('cid', MANY, 'orchard', WORDS, { width: 1200, height: 700 });
    const up = cid.page.getByRole('button', { name: 'New since you were away' });
    await cid.message(`line ${MANY}`).waitFor();
    await up.click();
    await cid.page.locator('.rule.new').waitFor();
    await expect.poll(() => firstShown(cid)).toBeLessThanOrEqual(1);
    expect(await cid.page.evaluate(() => document.activeElement?.className)).toBe('log');
    await expect.poll(() => up.count()).toBe(0);

    const shown = new Set<number>();
    for (let step = 0; step < 200 && !shown.has(MANY); step++) {
      for (const text of await cid.page.locator('.log-row').allInnerTexts())
        shown.add(Number(/line (\d+)/.exec(text)?.[1] ?? 0));
      await cid.page.keyboard.press('PageDown');
      await cid.page.waitForTimeout(120);
    }
    expect([...shown].filter((line) => line > 0)).toHaveLength(MANY);
    await cid.page.keyboard.press('End');
    await expect.poll(() => cid.page.locator('.leap').count()).toBe(0);
    expect(cid.complaints).toEqual([]);
    await cid.leave();
  });

  it('begins there if it is loaded at once, and needs no button', async () => {
    const dan = await comeBack('dan', 30, 'vineyard', WORDS, { width: 1200, height: 700 });
    await expect.poll(() => firstShown(dan)).toBe(1);
    await dan.page.getByRole('button', { name: 'To the newest' }).click();
    await dan.message('line 30').waitFor();
    expect(await dan.page.getByRole('button', { name: 'New since you were away' }).count()).toBe(0);
    await dan.leave();
  });

  it('fills a window that is higher than what is loaded at once', async () => {
    const ben = await comeBack('ben', 2 * PAGE, 'meadow', '', { width: 1200, height: 4000 });
    await ben.page.locator('.beginning').waitFor();
    await expect.poll(() => ben.page.locator('.edge-row').count(), { timeout: LONG }).toBe(0);
    await ben.page.locator('.rule.new').waitFor();
    expect(await firstShown(ben)).toBe(1);
    await ben.leave();
  });
});
