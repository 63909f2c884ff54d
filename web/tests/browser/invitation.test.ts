// An operator invites somebody by a link, in a real browser at the real server.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordOf } from './line-client';
import { Person, startBrowser } from './people';
import { Product } from './product';

let browser: Browser;
let product: Product;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start('--registration', 'closed')]);
  await product.addOperator('olga', passwordOf('olga'));
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

async function openInvitations(olga: Person): Promise<void> {
  await olga.page.getByRole('button', { name: 'My account' }).click();
  await olga.page.getByRole('menuitem', { name: 'Invite to this server' }).click();
  await olga.page.getByRole('dialog', { name: 'Invite to this server' }).waitFor();
}

describe('a link of an operator', () => {
  it('makes one account, which is in the rooms that it opens', async () => {
    const olga = await Person.arrive(browser, product, 'olga');
    await olga.fillDoor();
    await olga.isInside();
    await olga.openRoom('garden');
    await openInvitations(olga);
    await olga.page.getByLabel('Rooms that it opens').fill('#garden');
    await olga.page.getByRole('button', { name: 'Make an invitation link' }).click();
    const link = await olga.page.getByLabel('Link', { exact: true }).inputValue();
    expect(link).toMatch(/\/#invite=pli_[0-9a-f]{40}$/);
    await olga.page.getByText('By olga, not used').waitFor();
    await olga.page.keyboard.press('Escape');

    const nils = await Person.arrive(browser, product, 'nils');
    await nils.page.goto('about:blank');
    await nils.page.goto(link);
    await nils.page.getByText('You are invited').waitFor();
    await nils.page.getByText('You enter #garden.').waitFor();
    await nils.fillDoor();
    await nils.isInside();
    await nils.isAt('garden');
    expect(nils.page.url()).not.toContain('invite');

    await openInvitations(olga);
    await olga.page.getByText('By olga, used by nils').waitFor();
    const late = await Person.arrive(browser, product, 'late');
    await late.page.goto('about:blank');
    await late.page.goto(link);
    await late.fillDoor();
    await late.page.getByRole('alert').getByText('This invitation is used up, over or void').waitFor();
    await Promise.all([olga.leave(), nils.leave(), late.leave()]);
  });
});
