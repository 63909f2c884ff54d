// What an operator does from the page: says something to everybody, and suspends an account, in a real browser at the real
// server.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordOf } from './line-client';
import { Person, startBrowser } from './people';
import { Product } from './product';

let browser: Browser;
let product: Product;
let olga: Person;
let ben: Person;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start()]);
  await product.addOperator('olga', passwordOf('olga'));
  olga = await Person.arrive(browser, product, 'olga');
  await olga.fillDoor();
  await olga.isInside();
  ben = await Person.register(browser, product, 'ben');
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

async function choose(item: string) {
  await olga.page.getByRole('button', { name: 'My account' }).click();
  await olga.page.getByRole('menuitem', { name: item }).click();
  return olga.page.getByRole('dialog');
}

describe('an operator', () => {
  it('says something to everybody, wherever they are', async () => {
    await ben.openRoom('garden');
    const dialog = await choose('Say something to everybody');
    await dialog.locator('textarea').fill('Backup at noon');
    await dialog.getByRole('button', { name: 'Say it to everybody' }).click();
    await olga.page.getByText('It is said.').waitFor();
    const notices = ben.page.getByRole('region', { name: 'Notices' });
    await notices.getByText('olga says to everybody').waitFor();
    await notices.getByText('Backup at noon').waitFor();
    await notices.getByRole('button', { name: 'Dismiss' }).click();
    await notices.getByText('Backup at noon').waitFor({ state: 'detached' });
  });

  it('suspends an account by the profile, with a reason that its user reads', async () => {
    await ben.show('lobby');
    await ben.say('Buy cheap watches');
    await olga.sees('Buy cheap watches');
    await olga.message('Buy cheap watches').getByRole('button', { name: 'ben' }).first().click();
    await olga.page.locator('.pane').getByRole('button', { name: 'Suspend the account' }).click();
    const question = olga.page.getByRole('dialog', { name: 'Suspend an account?' });
    await question.getByLabel('7 days').check();
    await question.getByLabel('Reason').fill('Advertising');
    await question.getByRole('button', { name: 'Suspend', exact: true }).click();
    await olga.page.getByText('ben is suspended.').waitFor();
    await ben.page.getByRole('heading', { name: 'Your account is suspended' }).waitFor();
    await ben.page.getByText('Advertising').waitFor();
    await ben.page.reload();
    await ben.page.waitForSelector('.door form');
    await ben.page.getByText('Advertising').waitFor();
  });

  it('ends a suspension, and its user comes in again', async () => {
    const dialog = await choose('End a suspension');
    await dialog.locator('input').fill('ben');
    await dialog.getByRole('button', { name: 'End it' }).click();
    await olga.page.getByText('ben may log in again.').waitFor();
    await ben.page.goto('about:blank');
    await ben.page.goto(ben.address);
    await ben.page.waitForSelector('.door form');
    await ben.fillDoor();
    await ben.isInside();
    expect([...olga.complaints, ...ben.complaints].filter((text) => !text.includes('WebSocket'))).toEqual([]);
  });

  it('is the only one to whom this is offered', async () => {
    await ben.page.getByRole('button', { name: 'My account' }).click();
    await ben.page.getByRole('menuitem', { name: 'Log out' }).waitFor();
    for (const item of ['Say something to everybody', 'Suspend an account', 'End a suspension'])
      expect(await ben.page.getByRole('menuitem', { name: item }).count()).toBe(0);
  });
});
