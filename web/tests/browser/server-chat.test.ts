// People who chat, each in a browser of their own, by the real server.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineClient } from './line-client';
import { LONG, Person, startBrowser } from './people';
import { Product } from './product';

let browser: Browser;
let product: Product;
let ann: Person;
let ben: Person;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start()]);
  ann = await Person.register(browser, product, 'ann');
  ben = await Person.register(browser, product, 'ben');
});
afterAll(async () => {
  await Promise.all([browser.close(), product.stop()]);
});

const badge = (person: Person, conversation: string) =>
  expect.poll(() => person.entry(conversation).innerText(), { timeout: LONG });

describe('two people', () => {
  it('talk in a room', async () => {
    await ann.openRoom('garden');
    await ben.openRoom('garden');
    await ann.say('Are the tomatoes ripe?');
    await ben.sees('Are the tomatoes ripe?');
    await ben.say('Not yet.\nOn Saturday.');
    await ann.sees('On Saturday.');
    const said = ['Are the tomatoes ripe?', 'Not yet.', 'On Saturday.'];
    await expect.poll(() => ann.texts(), { timeout: LONG }).toEqual(said);
    await expect.poll(() => ben.texts(), { timeout: LONG }).toEqual(said);
  });

  it('change and remove what they said', async () => {
    await ann.say('The hose is brokn.');
    await ben.sees('The hose is brokn.');
    // Only what is acknowledged can be edited.
    await ann.page.locator('.pending').waitFor({ state: 'detached' });
    await ann.page.locator('.composer textarea').press('ArrowUp');
    await ann.page.locator('.edit-box textarea').fill('The hose is broken.');
    await ann.page.keyboard.press('Enter');
    await ben.message('The hose is broken.').waitFor();
    await expect
      .poll(() => ben.message('The hose is broken.').innerText(), { timeout: LONG })
      .toContain('edited');

    await ann.message('The hose is broken.').hover();
    await ann.page.getByRole('button', { name: 'Remove', exact: true }).click();
    await ann.page.getByLabel('Reason').fill('It was the tap.');
    await ann.page.getByRole('button', { name: 'Remove the message' }).click();
    await ben.page.getByText('Message removed').waitFor();
    expect(await ben.page.locator('.log').innerText()).toContain('It was the tap.');
    expect(await ben.page.locator('.log').innerText()).not.toContain('hose');
    await ben.page.reload();
    await ben.page.getByText('Message removed').waitFor();
  });

  it('write to each other alone', async () => {
    await ann.writeTo('ben');
    await ann.say('Between us.');
    await ben.entry('ann').waitFor();
    await badge(ben, 'ann').toContain('1');
    await ben.show('ann');
    await ben.sees('Between us.');
    await ben.say('Yes.');
    await ann.sees('Yes.');
  });

  it('meet in a private room, by invitation only', async () => {
    await ann.openRoom('cellar');
    await ann.choose('Make the room private');
    await ann.page.locator('dialog button[type=submit]').click();
    await ann.page.locator('.head h2').getByText('private').waitFor({ state: 'attached' });
    await ann.say('A secret.');

    await ben.page.keyboard.press('Control+k');
    await ben.page.getByRole('combobox', { name: 'Find or start' }).fill('#cellar');
    await ben.page.keyboard.press('Enter');
    await ben.page.getByText('The room is private, and you are not invited.').first().waitFor();
    expect(await ben.entry('cellar').count()).toBe(0);

    await ann.choose('Invite somebody');
    await ann.page.locator('dialog input').fill('ben');
    await ann.page.keyboard.press('Enter');
    await ben.page.getByRole('button', { name: '#cellar' }).first().click();
    await ben.sees('A secret.');
    await ben.say('Thanks.');
    await ann.sees('Thanks.');
  });
});

describe('what is unread', () => {
  it('is counted, mentions apart, until it is seen', async () => {
    await ann.show('lobby');
    await ben.show('garden');
    await ben.say('one');
    await ben.say('two');
    await badge(ann, 'garden').toMatch(/\b2\b/);
    expect(await ann.page.title()).not.toContain('(1)');
    await ben.say('@ann three');
    await badge(ann, 'garden').toContain('1 mention');
    await expect.poll(() => ann.page.title(), { timeout: LONG }).toMatch(/^\(\d+\)/);
    await ann.show('garden');
    await ann.sees('two');
    await badge(ann, 'garden').not.toMatch(/\d/);
    expect(await ann.page.locator('.message.mentions-me').count()).toBe(1);
  });

  it('begins at a line after somebody was away', async () => {
    await ann.show('lobby');
    // What was seen is told to the server a second later.
    await ann.page.waitForTimeout(3_000);
    await ann.page.goto('about:blank');
    await ben.say('while you were away');
    await ben.sees('while you were away');
    await ann.page.goto(ann.address);
    await ann.isInside();
    await badge(ann, 'garden').toMatch(/\b1\b/);
    await ann.show('garden');
    await ann.page.locator('.rule.new').waitFor();
    const after = ann.page.locator('.log-row:has(.rule.new) ~ .log-row .text');
    expect(await after.allInnerTexts()).toEqual(['while you were away']);
  });
});

describe('a text that attacks', () => {
  it('stays a text', async () => {
    const robot = await LineClient.register(product.port, 'robot');
    await robot.ask('/join garden');
    const attacks = [
      '<img src=x onerror="document.title=\'broken\'">',
      '<script>document.title="broken"</script>',
      'javascript:alert(1) [a](javascript:alert(1))',
      'a'.repeat(3000),
    ];
    for (const text of attacks) await robot.ask(text);
    await robot.ask('the end of it');
    await ben.sees('the end of it');
    expect(await ben.page.locator('.log img, .log script').count()).toBe(0);
    const hrefs = await ben.page
      .locator('.log a')
      .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).protocol));
    expect(hrefs.filter((protocol) => protocol === 'javascript:')).toEqual([]);
    expect(await ben.page.title()).not.toContain('broken');
    const wide = await ben.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    robot.close();
  });

  it('none of it made the browser complain', () => {
    expect([...ann.complaints, ...ben.complaints]).toEqual([]);
  });
});
