// A program speaks in a room by a hook, which a moderator makes, lists and ends, in a real browser at the real server. So are
// hooks listed and ended by which a program hears what is said.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineClient } from './line-client';
import { LONG, Person, startBrowser } from './people';
import { Product } from './product';
import { post } from './program';

let browser: Browser;
let product: Product;
let ann: Person;
let ben: Person;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start('--outhook-allow', '*.example.org')]);
  ann = await Person.register(browser, product, 'ann');
  ben = await Person.register(browser, product, 'ben');
  await ann.openRoom('garden');
  await ben.openRoom('garden');
});
afterAll(() => Promise.all([browser.close(), product.stop()]));

const hooks = (person: Person) => person.page.getByRole('dialog', { name: 'Hooks of #garden' });
const address = () => ann.page.getByLabel('Address', { exact: true }).inputValue();

async function openHooks(): Promise<void> {
  await ann.choose('Hooks for programs');
  await hooks(ann).waitFor();
}

async function make(label: string): Promise<void> {
  await ann.page.getByLabel('Name of the bot').fill(label);
  await ann.page.keyboard.press('Enter');
}

describe('a hook', () => {
  it('is made by a moderator, by keys alone, and what its program writes is marked for everybody', async () => {
    await ann.page.getByRole('button', { name: 'What you can do here' }).focus();
    await ann.page.keyboard.press('Enter');
    await ann.page.locator('[role=menuitem]:focus').waitFor();
    await ann.page.keyboard.press('h');
    await ann.page.keyboard.press('Enter');
    await hooks(ann).getByText('There is none yet.').waitFor();
    await ann.page.keyboard.type('Grafana');
    await ann.page.keyboard.press('Enter');
    await ann.page.locator('button:focus').getByText('Copy the address').waitFor();
    await hooks(ann).getByText('By ann').waitFor();
    const where = await address();
    expect(where).toMatch(/^https:\/\/[^/]+\/hooks\/garden\.plh_[0-9a-f]{40}$/);
    await ann.page.keyboard.press('Escape');

    expect(await post(where, 'the disk is full')).toBe(200);
    for (const person of [ann, ben]) {
      await person.sees('the disk is full');
      const message = person.message('the disk is full');
      await message.getByText('bot', { exact: true }).waitFor();
      expect(await message.getAttribute('aria-label')).toMatch(/^grafana \(bot\), /);
      expect(await message.locator('.avatar').getAttribute('class')).not.toContain('hue');
      // A program has no profile to open.
      expect(await message.getByRole('button', { name: 'grafana' }).count()).toBe(0);
    }
    await ben.page.reload();
    await ben.isInside();
    await ben.message('the disk is full').getByText('bot', { exact: true }).waitFor();
    await ben.say('/history');
    await ben.page.getByRole('dialog').getByText('grafana (bot)').waitFor();
    await ben.page.keyboard.press('Escape');
  });

  it('is heard by a screen reader as that of a bot', async () => {
    await openHooks();
    await make('gitea');
    const where = await address();
    await ann.page.keyboard.press('Escape');
    // What comes while a page has just begun counts as what was there, and is not read.
    const heard = async () => {
      await post(where, 'somebody pushed a commit');
      return ben.page.locator('.visually-hidden[aria-live=polite]').innerText();
    };
    await expect
      .poll(heard, { interval: 1_000, timeout: LONG })
      .toContain('gitea (bot): somebody pushed a commit');
  });

  it('has a command line that works as it is', async () => {
    await openHooks();
    await make('curl');
    const command = ann.page.getByLabel('Command', { exact: true });
    // Whether the server made its certificate itself is asked for first.
    await expect.poll(() => command.inputValue()).toContain('--cacert ca.pem');
    const download = ann.page.waitForEvent('download');
    await ann.page.getByRole('link', { name: 'ca.pem' }).click();
    const directory = await (await download).path();
    const line = (await command.inputValue()).replace('ca.pem', directory);
    const answer = await promisify(execFile)('sh', ['-c', line]);
    expect(answer.stdout.trim()).toBe('ok');
    await ann.page.keyboard.press('Escape');
    await ben.sees('It works');
  });

  it('is not offered to others', async () => {
    await ben.page.getByRole('button', { name: 'What you can do here' }).click();
    await ben.page.getByRole('menuitem', { name: 'Leave the room' }).waitFor();
    expect(await ben.page.getByRole('menuitem', { name: 'Hooks for programs' }).count()).toBe(0);
    await ben.page.keyboard.press('Escape');
  });

  it('ends after a question, and its address is worth nothing from then on', async () => {
    await openHooks();
    await make('uptime');
    const where = await address();
    await hooks(ann).getByRole('button', { name: 'End uptime' }).click();
    const question = ann.page.getByRole('dialog', { name: 'End the hook uptime?' });
    await question.getByRole('button', { name: 'Cancel' }).click();
    expect(await post(where, 'still there')).toBe(200);
    await hooks(ann).getByRole('button', { name: 'End uptime' }).click();
    await question.getByRole('button', { name: 'End the hook' }).click();
    await hooks(ann).getByRole('button', { name: 'End gitea' }).waitFor();
    expect(await hooks(ann).getByRole('button', { name: 'End uptime' }).count()).toBe(0);
    expect(await post(where, 'nobody hears this')).toBe(404);
    await ann.page.keyboard.press('Escape');
    await ann.sees('still there');
    expect(await ann.texts()).not.toContain('nobody hears this');
  });
});

describe('an outgoing hook', () => {
  const url = 'https://bot.example.org/in';

  it('is listed by its address, as an outgoing one, and is ended after a question of its own', async () => {
    await ann.openRoom('greenhouse');
    await ann.say(`/outhook greenhouse ${url}`);
    await ann.page.getByText('plo_').waitFor();
    await ann.page.keyboard.press('Escape');
    await ann.choose('Hooks for programs');
    const list = ann.page.getByRole('dialog', { name: 'Hooks of #greenhouse' });
    const row = list.getByRole('listitem').filter({ hasText: url });
    await row.getByText(/^Outgoing, by ann, /).waitFor();
    await row.getByRole('button', { name: `End ${url}` }).click();
    const question = ann.page.getByRole('dialog', { name: 'End the outgoing hook?' });
    await question.getByText(`is not posted to ${url} any more`).waitFor();
    await question.getByRole('button', { name: 'End the hook' }).click();
    await list.getByText('There is none yet.').waitFor();
    await ann.page.keyboard.press('Escape');
  });

  it('takes a few lines, however long its address is', async () => {
    await ann.say(`/outhook greenhouse ${url}?${'long'.repeat(200)}`);
    await ann.page.getByText('plo_').waitFor();
    await ann.page.keyboard.press('Escape');
    await ann.choose('Hooks for programs');
    const row = ann.page.getByRole('dialog', { name: 'Hooks of #greenhouse' }).getByRole('listitem');
    expect((await row.boundingBox())?.height).toBeLessThan(160);
    await ann.page.keyboard.press('Escape');
    await ann.openRoom('garden');
  });
});

describe('why there is no hook', () => {
  it('stands at its name', async () => {
    const robot = await LineClient.register(product.port, 'robot');
    robot.close();
    await openHooks();
    const wrong = hooks(ann).locator('.field .wrong');
    for (const [label, why] of [
      ['robot', 'A person has this name'],
      ['gitea', 'The room has a hook of this name'],
      ['operator', 'This name is reserved'],
      ['outgoing', 'Outgoing hooks have this name'],
    ] as const) {
      await make(label);
      await wrong.getByText(why).waitFor();
    }
    await ann.page.keyboard.press('Escape');
    const owner = await LineClient.logIn(product.port, 'robot');
    await owner.ask('/open full');
    for (let n = 0; n < 20; n++) await owner.ask(`/hook full bot${n}`);
    await owner.ask('/moderator full ann');
    owner.close();
    await ann.openRoom('full');
    await ann.choose('Hooks for programs');
    await make('one-more');
    await ann.page.getByText('A room has at most 20 hooks').waitFor();
    await ann.page.keyboard.press('Escape');
  });

  it('none of it made the browser complain', () => {
    expect([...ann.complaints, ...ben.complaints]).toEqual([]);
  });
});
