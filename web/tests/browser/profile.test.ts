// The profile of a person: follow, write, block; and the feed that followers read, in a real browser at the real server.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
afterAll(() => Promise.all([browser.close(), product.stop()]));

const profile = () => ann.page.locator('.pane');
const act = (name: string) => profile().getByRole('button', { name, exact: true }).click();
const feed = (person: Person) => person.page.locator('.side-entry[href="#/feed/ben"]');

async function publish(person: Person, text: string): Promise<void> {
  await person.page.getByRole('button', { name: 'My account' }).click();
  await person.page.getByRole('menuitem', { name: 'Publish' }).click();
  const dialog = person.page.getByRole('dialog');
  await dialog.locator('textarea').fill(text);
  await dialog.locator('button[type=submit]').click();
  await dialog.waitFor({ state: 'detached' });
}

describe('the profile of a person', () => {
  it('opens from a message, and tells what both have in common', async () => {
    await ben.say('Hello, I am ben');
    await ann.sees('Hello, I am ben');
    await ann.message('Hello, I am ben').getByRole('button', { name: 'ben' }).first().click();
    await profile().locator('.profile-top').getByText('ben', { exact: true }).waitFor();
    await ben.openRoom('garden');
    await ann.openRoom('garden');
    await ann.page.getByRole('button', { name: 'Close this pane' }).click();
    await profile().getByRole('button', { name: 'ben' }).click();
    await profile().getByRole('heading', { name: 'Rooms in common' }).waitFor();
    await profile().getByRole('link', { name: 'garden' }).waitFor();
  });

  it('follows, and what the person publishes stands in a list of its own, also after a reload', async () => {
    await act('Follow');
    await profile().getByText('You see what ben publishes.').waitFor();
    await publish(ben, 'I planted a tree');
    await expect.poll(() => feed(ann).innerText(), { timeout: LONG }).toMatch(/\b1\b/);
    await feed(ann).click();
    await ann.sees('I planted a tree');
    await ann.page.getByText('Only ben writes here.').waitFor();
    await ann.page.reload();
    await ann.isInside();
    await ann.sees('I planted a tree');
  });

  it('stops following', async () => {
    await act('Unfollow');
    await feed(ann).waitFor({ state: 'detached' });
    await ann.show('lobby');
    await publish(ben, 'Nobody follows me');
    await ben.say('in the garden');
    await ann.show('garden');
    await ann.sees('in the garden');
    expect(await feed(ann).count()).toBe(0);
  });

  it('leads to direct messages', async () => {
    await ann.message('in the garden').getByRole('button', { name: 'ben' }).first().click();
    await act('Write a message');
    await ann.isAt('ben');
    await ann.say('A word in private');
    await ben.show('ann');
    await ben.sees('A word in private');
  });

  it('blocks after a question that names the consequence, and lets write again', async () => {
    await act('Block');
    const question = ann.page.getByRole('dialog', { name: 'Block ben?' });
    await question.getByText('ben cannot send you direct messages any more.').waitFor();
    await question.getByRole('button', { name: 'Cancel' }).click();
    await ben.say('I get through');
    await ann.sees('I get through');

    await act('Block');
    await question.getByRole('button', { name: 'Block ben' }).click();
    await profile().getByText('You do not get direct messages from ben.').waitFor();
    await ben.say('I do not get through');
    await ben
      .message('I do not get through')
      .getByText('This person does not take direct messages from you.')
      .waitFor();
    expect(await ann.page.getByText('I do not get through').count()).toBe(0);

    await act('Unblock');
    await profile().getByText('You do not get direct messages from ben.').waitFor({ state: 'detached' });
    await ben.page.getByRole('button', { name: 'Send again' }).click();
    await ann.sees('I do not get through');
    expect([...ann.complaints, ...ben.complaints]).toEqual([]);
  });
});
