// What a moderator does to somebody in a room, by the menu of a member and by the profile, and what the others see of it,
// in a real browser at the real server.
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LONG, Person, startBrowser } from './people';
import { Product } from './product';

let browser: Browser;
let product: Product;
let ann: Person;
let ben: Person;
let cid: Person;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start()]);
  ann = await Person.register(browser, product, 'ann');
  ben = await Person.register(browser, product, 'ben');
  cid = await Person.register(browser, product, 'cid');
  for (const person of [ann, ben, cid]) await person.openRoom('garden');
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

const member = (person: Person, user: string) =>
  person.page.locator('.member').filter({ has: person.page.locator(`[title="${user}"]`) });
const event = (person: Person, text: string) => person.page.locator('.log').getByText(text);

/** Chooses what is done to ben. Gives the question that is asked first. */
async function ask(item: string): Promise<Locator> {
  await ann.page.getByRole('button', { name: 'Actions for ben' }).click();
  await ann.page.getByRole('menuitem', { name: item, exact: true }).click();
  return ann.page.getByRole('dialog');
}

describe('the owner of a room', () => {
  it('silences a member after a question that names the consequence, and all see it', async () => {
    const question = await ask('Mute');
    await question.getByText('ben may read, but not write.').waitFor();
    await question.getByRole('button', { name: 'Cancel' }).click();
    await question.waitFor({ state: 'detached' });
    await ben.say('I am still heard');
    await cid.sees('I am still heard');

    await ask('Mute');
    await question.getByLabel('1 hour').check();
    await question.getByRole('button', { name: 'Mute ben' }).click();
    for (const person of [ann, ben, cid]) await event(person, 'ann muted ben').waitFor();
    await member(ann, 'ben').getByText('muted until').waitFor();
    await ben.say('Nobody reads this');
    await ben.message('Nobody reads this').getByText('You may not write here now.').waitFor();
    await ben.page.getByRole('button', { name: 'Discard' }).click();
    await ben.message('Nobody reads this').waitFor({ state: 'detached' });
  });

  it('lets the member speak again', async () => {
    const question = await ask('Unmute');
    await question.getByRole('button', { name: 'Unmute' }).click();
    await event(cid, 'ann lets ben write again').waitFor();
    await ben.say('I am heard again');
    await cid.sees('I am heard again');
    expect(await cid.texts()).not.toContain('Nobody reads this');
  });

  it('removes a member with a reason; who was removed is told, and may come back', async () => {
    const question = await ask('Remove from the room');
    await question.getByText('ben leaves the room at once, and may come back.').waitFor();
    await question.getByLabel('Reason').fill('Off topic');
    await question.getByRole('button', { name: 'Remove ben' }).click();
    for (const person of [ann, cid]) {
      await event(person, 'ann removed ben from the room').waitFor();
      await event(person, 'Off topic').waitFor();
    }
    await member(ann, 'ben').waitFor({ state: 'detached' });
    const notice = ben.page.getByRole('region', { name: 'Notices' });
    await notice.getByText('You were removed from #garden').waitFor();
    await notice.getByText('Off topic').waitFor();
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    await cid.say('Without ben');
    await cid.sees('Without ben');
    await ben.openRoom('garden');
    await ben.say('Here I am again');
    await cid.sees('Here I am again');
  });

  it('makes a moderator, who has the same menus but not over the owner', async () => {
    const question = await ask('Make a moderator');
    await question.getByRole('button', { name: 'Make a moderator' }).click();
    await event(ben, 'ann made ben a moderator').waitFor();
    await ben.page.getByRole('button', { name: 'Actions for cid' }).waitFor();
    expect(await ben.page.getByRole('button', { name: 'Actions for ann' }).count()).toBe(0);
    expect(await cid.page.getByRole('button', { name: /^Actions for/ }).count()).toBe(0);
    await (
      await ask('Take away the moderator role')
    )
      .getByRole('button', { name: 'Take the role away' })
      .click();
    await ben.page.getByRole('button', { name: 'Actions for cid' }).waitFor({ state: 'detached' });
  });

  it('bans a member by the profile; the room stays closed until the ban ends', async () => {
    await member(ann, 'ben').getByRole('button', { name: 'ben', exact: true }).click();
    const profile = ann.page.locator('.pane');
    await profile.getByRole('heading', { name: 'In #garden' }).waitFor();
    await profile.getByRole('button', { name: 'Ban', exact: true }).click();
    const question = ann.page.getByRole('dialog', { name: 'Ban ben from #garden?' });
    await question.getByText('cannot come back until the ban ends').waitFor();
    await question.getByLabel('For ever').check();
    await question.getByLabel('Reason').fill('Again and again');
    await question.getByRole('button', { name: 'Ban ben' }).click();
    await event(cid, 'ann banned ben').waitFor();
    await cid.say('Quiet at last');
    await cid.sees('Quiet at last');

    const notice = ben.page.getByRole('region', { name: 'Notices' });
    await notice.getByText('You are banned from #garden').waitFor();
    await notice.getByText('Again and again').waitFor();
    await notice.getByRole('button', { name: 'Dismiss' }).click();
    await ben.page.keyboard.press('Control+k');
    await ben.page.getByRole('combobox', { name: 'Find or start' }).fill('#garden');
    await ben.page.keyboard.press('Enter');
    await ben.page.getByText('You are banned from this room.').first().waitFor();
    expect(await ben.page.getByText('Quiet at last').count()).toBe(0);

    await ann.choose('End a ban');
    await ann.page.getByRole('dialog').locator('input').fill('ben');
    await ann.page.getByRole('button', { name: 'End the ban' }).click();
    await event(cid, 'ann ended the ban of ben').waitFor();
    await ben.openRoom('garden');
    await ben.sees('Quiet at last');
  });

  it('lets only moderators write, which is said where the others would write', async () => {
    await ann.choose('Let only moderators write');
    await ann.page.locator('dialog button[type=submit]').click();
    await cid.page.locator('.composer-closed', { hasText: 'Only moderators write in this room.' }).waitFor();
    expect(await cid.page.locator('.composer textarea').count()).toBe(0);
    await ann.say('An announcement');
    await cid.sees('An announcement');
    await ann.choose('Let everybody write');
    await ann.page.locator('dialog button[type=submit]').click();
    await cid.say('Thanks');
    await ann.sees('Thanks');
  });

  it('gives the room away, and offers nothing of an owner from then on', async () => {
    await ann.page.getByRole('button', { name: 'Close this pane' }).click();
    const question = await ask('Give the room away');
    await question.getByRole('button', { name: 'Give the room away' }).click();
    await event(cid, 'ann gave the room to ben').waitFor();
    await ann.page.getByRole('button', { name: 'Actions for ben' }).waitFor({ state: 'detached' });
    await expect.poll(() => member(ben, 'ben').innerText(), { timeout: LONG }).toContain('owner');
    expect([...ann.complaints, ...ben.complaints, ...cid.complaints]).toEqual([]);
  });
});
