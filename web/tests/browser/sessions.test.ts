// Where a person is logged in, and the change of the password, in a real browser at the real server.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordOf } from './line-client';
import { LONG, Person, startBrowser } from './people';
import { Product } from './product';

let browser: Browser;
let product: Product;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start()]);
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

async function openSessions(person: Person) {
  await person.page.getByRole('button', { name: 'My account' }).click();
  await person.page.getByRole('menuitem', { name: 'Sessions and password' }).click();
  return person.page.getByRole('dialog', { name: 'Sessions and password' });
}

/** Two browsers of one person; the second one has the session. */
async function twoBrowsers(name: string): Promise<readonly [Person, Person]> {
  const first = await Person.register(browser, product, name);
  const second = await Person.arrive(browser, product, name);
  await second.fillDoor();
  await second.isInside();
  await first.page.getByText('You are logged in elsewhere').waitFor();
  return [first, second];
}

describe('the sessions of a person', () => {
  it('are listed, and one that is ended needs the password again', async () => {
    const [first, second] = await twoBrowsers('ann');
    const dialog = await openSessions(second);
    const rows = dialog.getByRole('listitem');
    await expect.poll(() => rows.count(), { timeout: LONG }).toBe(2);
    for (const text of await rows.allInnerTexts())
      expect(text).toMatch(/Chrom.*\n?.*Used .*, from 127\.0\.0\.1/);

    // The oldest stands last.
    await rows.last().getByRole('button').click();
    await expect.poll(() => rows.count(), { timeout: LONG }).toBe(1);
    await second.page.keyboard.press('Escape');
    await first.page.getByRole('button', { name: 'Use here' }).click();
    await first.page.waitForSelector('.door form');
    await second.say('I am still here');
    await second.sees('I am still here');
    await Promise.all([first.leave(), second.leave()]);
  });
});

describe('a new password', () => {
  it('is refused at the field that is wrong', async () => {
    const ben = await Person.register(browser, product, 'ben');
    const dialog = await openSessions(ben);
    await dialog.getByLabel('Password now', { exact: true }).fill('not this one');
    await dialog.getByLabel('New password', { exact: true }).fill('a-new-password');
    await dialog.getByRole('button', { name: 'Change', exact: true }).click();
    const wrong = dialog.locator('.field .wrong');
    await wrong.getByText('The name or the password is wrong.').waitFor();
    expect(await dialog.locator('input[name=old]').getAttribute('aria-invalid')).toBe('true');
    await dialog.getByLabel('Password now', { exact: true }).fill(passwordOf('ben'));
    await dialog.getByLabel('New password', { exact: true }).fill('short');
    await dialog.getByRole('button', { name: 'Change', exact: true }).click();
    await wrong.getByText('too short').waitFor();
    expect(await dialog.locator('input[name=wanted]').getAttribute('aria-invalid')).toBe('true');
    await ben.leave();
  });

  it('ends all other sessions, and this browser stays inside', async () => {
    const [first, second] = await twoBrowsers('cid');
    const dialog = await openSessions(second);
    await dialog.getByLabel('Password now', { exact: true }).fill(passwordOf('cid'));
    await dialog.getByLabel('New password', { exact: true }).fill('a-new-password');
    await dialog.getByRole('button', { name: 'Change', exact: true }).click();
    await second.page.getByText('The password is changed.').waitFor();
    await second.page.reload();
    await second.isInside();

    await first.page.getByRole('button', { name: 'Use here' }).click();
    await first.page.waitForSelector('.door form');
    await first.fillDoor();
    await first.page.locator('.field .wrong').getByText('The name or the password is wrong.').waitFor();
    await first.fillDoor('a-new-password');
    await first.isInside();
    expect([...first.complaints, ...second.complaints].filter((text) => !text.includes('WebSocket'))).toEqual(
      [],
    );
    await Promise.all([first.leave(), second.leave()]);
  });
});
