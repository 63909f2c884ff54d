// What the first people on a server see: whom they can let in, and what they can do in a room without messages.
import type { Browser } from 'playwright-core';
import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, it } from 'vitest';
import { passwordOf } from './line-client';
import { Person, startBrowser } from './people';
import { Product } from './product';

let browser: Browser;
let product: Product;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  product = await Product.start();
});
afterEach(() => product.stop());

const clipboard = (person: Person) => person.page.evaluate(() => navigator.clipboard.readText());

/** Lets the page use the clipboard, as a person is asked by the browser. */
function allowClipboard(person: Person): Promise<void> {
  return person.context.grantPermissions(['clipboard-read', 'clipboard-write'], {
    origin: new URL(person.address).origin,
  });
}

describe('the first screen', () => {
  it('offers an operator to invite others, by a link that is copied and works', async () => {
    await product.addOperator('olga', passwordOf('olga'));
    const olga = await Person.arrive(browser, product, 'olga');
    await allowClipboard(olga);
    await olga.fillDoor();
    await olga.isInside();
    await olga.page.getByText('You are alone here now').waitFor();
    await olga.page.locator('.beginning').getByRole('button', { name: 'Invite to this server' }).click();
    await olga.page.getByRole('button', { name: 'Make an invitation link' }).click();
    await olga.page.getByRole('button', { name: 'Copy the link' }).click();
    await olga.page.getByRole('status').getByText('Copied').waitFor({ state: 'attached' });
    const link = await clipboard(olga);
    expect(link).toMatch(/\/#invite=pli_[0-9a-f]{40}$/);

    const nils = await Person.arrive(browser, product, 'nils');
    await nils.page.goto('about:blank');
    await nils.page.goto(link);
    await nils.page.getByText('You are invited').waitFor();
    await nils.fillDoor();
    await nils.isInside();
    // Olga is not alone any more.
    await olga.page.keyboard.press('Escape');
    await olga.page.getByText('You are alone here now').waitFor({ state: 'detached' });
    expect([...olga.complaints, ...nils.complaints]).toEqual([]);
    await Promise.all([olga.leave(), nils.leave()]);
  });

  it('is the same on a phone, and leads back to the list', async () => {
    const size = { width: 390, height: 844 };
    const ann = await Person.register(browser, product, 'ann', {
      viewport: size,
      hasTouch: true,
      isMobile: true,
    });
    await ann.page.getByRole('button', { name: 'Copy the address' }).waitFor();
    await ann.page.goBack();
    await ann.entry('lobby').tap();
    await ann.page.getByText('You are alone here now').waitFor();
    await ann.page.getByRole('button', { name: 'Back to the list' }).tap();
    await ann.entry('lobby').waitFor();
    // Whoever has several conversations chooses.
    await ann.openRoom('garden');
    await ann.page.goto('about:blank');
    await ann.page.goto(ann.address);
    await ann.entry('garden').waitFor();
    expect(await ann.page.locator('.composer').isVisible()).toBe(false);
    expect(ann.complaints).toEqual([]);
    await ann.leave();
  });

  it('gives everybody else the address of the page', async () => {
    const ann = await Person.register(browser, product, 'ann');
    await allowClipboard(ann);
    await ann.page.getByRole('button', { name: 'Copy the address' }).click();
    await ann.page.getByText('Copied').waitFor();
    expect(await clipboard(ann)).toBe(ann.address);
    expect(await ann.page.getByRole('button', { name: 'Invite to this server' }).count()).toBe(0);
    await ann.leave();
  });

  it('tells if the browser does not let the page copy', async () => {
    const ann = await Person.register(browser, product, 'ann');
    await ann.page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'));
    });
    await ann.page.getByRole('button', { name: 'Copy the address' }).click();
    await ann.page.getByText('The browser does not let this page copy').waitFor();
    expect(ann.complaints).toEqual([]);
    await ann.leave();
  });
});

describe('a room without messages', () => {
  it('says what its owner can do, until something is said', async () => {
    const ann = await Person.register(browser, product, 'ann');
    await ann.openRoom('garden');
    const beginning = ann.page.locator('.beginning');
    await beginning.getByText('Nothing was said here yet').waitFor();
    await beginning.getByRole('button', { name: 'Invite somebody' }).waitFor();
    await beginning.getByRole('button', { name: 'Set a topic' }).click();
    await ann.page.locator('dialog input').fill('Beds and tools');
    await ann.page.keyboard.press('Enter');
    await ann.page.locator('.head').getByText('Beds and tools').waitFor();
    await beginning.getByRole('button', { name: 'Set a topic' }).waitFor({ state: 'detached' });
    await ann.say('Hello');
    await ann.sees('Hello');
    expect(await beginning.getByText('Nothing was said here yet').count()).toBe(0);
    expect(ann.complaints).toEqual([]);
    await ann.leave();
  });
});
