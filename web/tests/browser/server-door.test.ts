// Logging in, staying logged in and logging out, in a real browser at the real server.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineClient, passwordOf } from './line-client';
import { LONG, Person, startBrowser } from './people';
import { Product } from './product';

let browser: Browser;
let product: Product;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start()]);
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

describe('the door', () => {
  it('shows each error where it belongs', async () => {
    const ann = await Person.register(browser, product, 'ann');
    await ann.leave();
    const { page, fillDoor } = await Person.arrive(browser, product, 'ann').then((person) => ({
      page: person.page,
      fillDoor: person.fillDoor.bind(person),
    }));
    const wrong = page.locator('.field .wrong');
    await page.route('**/en-more-*.js', async (route) => {
      await new Promise((done) => setTimeout(done, 300));
      await route.continue();
    });

    await fillDoor('not the password');
    await wrong.waitFor();
    expect(await wrong.innerText()).toBe('The name or the password is wrong.');
    expect(await page.locator('input[name=password]').getAttribute('aria-invalid')).toBe('true');
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute('name')))
      .toBe('password');

    await page.getByRole('button', { name: 'Make an account' }).click();
    expect(await wrong.count()).toBe(0);
    await fillDoor();
    await wrong.waitFor();
    expect(await wrong.innerText()).toBe('This name is taken.');
    expect(await page.locator('input[name=username]').getAttribute('aria-invalid')).toBe('true');

    await page.getByLabel('Name', { exact: true }).fill('anna');
    await page.getByLabel('Password', { exact: true }).fill('short');
    await page.locator('.door button[type=submit]').click();
    await expect.poll(() => wrong.innerText(), { timeout: LONG }).toContain('too short');
    expect(await page.locator('input[name=password]').getAttribute('aria-invalid')).toBe('true');
    await page.context().close();
  });

  it('lets in, and a reload stays inside', async () => {
    const bea = await Person.register(browser, product, 'bea');
    await bea.isAt('lobby');
    await bea.say('here I am');
    await bea.sees('here I am');
    await bea.page.reload();
    await bea.isInside();
    await bea.sees('here I am');
    expect(await bea.texts()).toEqual(['here I am']);
    expect(bea.complaints).toEqual([]);
    await bea.leave();
  });

  it('gives no secret to the scripts of the page', async () => {
    const sec = await Person.register(browser, product, 'sec');
    const readable = await sec.page.evaluate(
      () => document.cookie + JSON.stringify(Object.entries(localStorage)),
    );
    const cookie = (await sec.context.cookies()).find((each) => each.name === '__Host-parlor');
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict' });
    expect(readable).not.toContain(cookie?.value);
    expect(readable).not.toContain(passwordOf('sec'));
    await sec.leave();
  });

  it('says that the server is away, lets in when it is back, and shares that with other tabs', async () => {
    const gus = await Person.arrive(browser, product, 'gus');
    await gus.page.getByRole('button', { name: 'Make an account' }).click();
    await product.kill();
    await gus.fillDoor();
    await gus.page.getByText('The server cannot be reached.').waitFor();
    await product.startAgain();
    await gus.fillDoor();
    await gus.isInside();
    const tab = await gus.openTab();
    await gus.isInside(tab);
    await gus.say('to both', tab);
    await gus.sees('to both');
    await gus.leave();
  });

  it('logs out, and the cookie is worth nothing from then on', async () => {
    const cid = await Person.register(browser, product, 'cid');
    const cookies = await cid.context.cookies();
    await cid.page.getByRole('button', { name: 'My account' }).click();
    await cid.page.getByRole('menuitem', { name: 'Log out' }).click();
    await cid.page.waitForSelector('.door form');
    await cid.page.reload();
    await cid.page.waitForSelector('.door form');
    await cid.context.addCookies(cookies);
    await cid.page.reload();
    await cid.page.waitForSelector('.door form');
    await cid.fillDoor();
    await cid.isInside();
    await cid.leave();
  });
});

describe('one session at a time', () => {
  it('stops when another browser takes over, and takes it back', async () => {
    const first = await Person.register(browser, product, 'dora');
    const second = await Person.arrive(browser, product, 'dora');
    await second.fillDoor();
    await second.isInside();
    await first.page.getByText('You are logged in elsewhere').waitFor();
    await second.say('from the second');
    await second.sees('from the second');
    await first.page.getByRole('button', { name: 'Use here' }).click();
    await first.isInside();
    await first.sees('from the second');
    await second.page.getByText('You are logged in elsewhere').waitFor();
    await first.leave();
    await second.leave();
  });

  it('is shared by the tabs of a browser', async () => {
    const eve = await Person.register(browser, product, 'eve');
    const tab = await eve.openTab();
    await eve.isInside(tab);
    await eve.say('from the first tab');
    await eve.sees('from the first tab', tab);
    await eve.say('from the second tab', tab);
    await eve.sees('from the second tab');
    expect(await eve.page.getByText('You are logged in elsewhere').count()).toBe(0);
    expect((await eve.texts()).slice(-2)).toEqual(['from the first tab', 'from the second tab']);

    await eve.page.close();
    const friend = await LineClient.register(product.port, 'fay');
    await friend.ask('hello, tab');
    await eve.sees('hello, tab', tab);
    friend.close();
    await eve.leave();
  });
});
