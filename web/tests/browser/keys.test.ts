// The page by keyboard alone, in a real browser.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Browser } from './browser';

let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await Browser.start();
});
afterAll(() => browser.stop());
beforeEach(async () => {
  ({ page } = await browser.open({ width: 1200, height: 800 }, false));
  await page.waitForSelector('.composer textarea:focus');
});
afterEach(() => page.close());

const shown = () => page.evaluate(() => window.store.shown.value);
const draft = () => page.locator('.composer textarea').inputValue();
const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');

describe('the keyboard', () => {
  it('finds a conversation, also if it types before the search box is loaded', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('lob');
    await expect
      .poll(() => page.locator('[role=option][aria-selected=true]').textContent())
      .toContain('lobby');
    await page.keyboard.press('Enter');
    await expect.poll(shown).toBe('#lobby');
    expect(await draft()).toBe('');
    expect(page.url()).toContain('#/room/lobby');
  });

  it('sends by Enter, and breaks the line by Shift and Enter', async () => {
    await page.keyboard.type('one');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('two');
    expect(await draft()).toBe('one\ntwo');
    await page.keyboard.press('Enter');
    expect(await draft()).toBe('');
    await expect.poll(() => page.locator('.log-row').last().textContent()).toContain('two');
  });

  it('edits the last message by the up arrow, and comes back by Escape', async () => {
    await page.keyboard.press('ArrowUp');
    await page.waitForSelector('.edit-box textarea:focus');
    await page.keyboard.type(' Really.');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.log').textContent()).toContain('Yes, Saturday is fine. Really.');
    await page.keyboard.press('ArrowUp');
    await page.waitForSelector('.edit-box textarea:focus');
    await page.keyboard.press('Escape');
    expect(await focused()).toContain('Message to');
  });

  it('completes a name', async () => {
    await page.keyboard.type('hi @dm');
    await page.waitForSelector('#completions:not([hidden])');
    await page.keyboard.press('Tab');
    expect(await draft()).toBe('hi @dmitri ');
  });

  it('stays in a dialog, and returns where it was', async () => {
    await page.keyboard.press('Control+/');
    await page.waitForSelector('dialog .keys');
    for (let step = 0; step < 4; step++) {
      await page.keyboard.press('Tab');
      // From the last element on the focus goes to the browser itself, not to the page behind the dialog.
      expect(await page.evaluate(() => document.activeElement?.closest('.app') ?? null)).toBeNull();
    }
    await page.keyboard.press('Escape');
    expect(await page.locator('dialog').count()).toBe(0);
    expect(await focused()).toContain('Message to');
  });

  it('opens a menu and chooses by arrows', async () => {
    await page.getByRole('button', { name: 'What you can do here' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=menuitem]:focus');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog input:focus');
    expect(await page.locator('dialog h2').textContent()).toBe('Topic of #garden');
  });

  it('steps through the conversations', async () => {
    await page.keyboard.press('Alt+ArrowDown');
    await expect.poll(shown).toBe('#greenhouse');
    await page.keyboard.press('Alt+Shift+ArrowDown');
    await expect.poll(shown).toBe('#lobby');
  });
});
