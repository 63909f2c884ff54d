// Makes the pictures of the documentation from the running product: `npm run shots`. It is no test.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { it } from 'vitest';
import { LineClient } from './line-client';
import { Person, startBrowser } from './people';
import { Product } from './product';
import { post } from './program';

const DIRECTORY = fileURLToPath(new URL('../../../docs/pictures/', import.meta.url));
const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };

/** The bot of a hook in the room `garden`. */
const BOT = 'weather';

const PLAN = 'Then the lemon trees go inside. The plan is at https://garden.example/saturday';

/** Who says what in which room, in this order. */
const TALK: readonly (readonly [string, string, string])[] = [
  ['jonas', 'garden', 'The new water butt is in place.'],
  ['ines', 'garden', 'Great! Then the beans will not go thirsty this year.'],
  ['mara', 'garden', 'Good morning! Who is there on Saturday?'],
  ['jonas', 'garden', 'I am. I bring the *big* ladder.'],
  ['jonas', 'garden', 'The list of what we need:'],
  ['jonas', 'garden', '- two buckets'],
  ['jonas', 'garden', '- gloves for five people'],
  ['ines', 'garden', '> Who is there on Saturday?'],
  ['ines', 'garden', 'Me too, from ten o’clock on. 🌱'],
  [BOT, 'garden', 'Frost warning: −2 °C tonight, from three to seven.'],
  ['mara', 'garden', PLAN],
  ['ines', 'garden', 'Thanks! The pump needs `pump --prime` before it runs.'],
  ['mara', 'board', 'The contract of the shed is signed.'],
  ['jonas', 'board', 'Very good. Then we can order the wood.'],
  ['ines', 'lobby', 'Welcome, everybody.'],
  ['jonas', 'lobby', 'Has anybody seen the key of the shed?'],
];

async function talk(lines: Map<string, LineClient>): Promise<void> {
  const at = new Map<string, string>([...lines.keys()].map((user) => [user, 'lobby']));
  const hook = await lines.get('mara')?.ask(`/hook garden ${BOT}`);
  for (const [user, room, text] of TALK) {
    if (user === BOT) {
      await post(String(hook?.['url']), text);
      continue;
    }
    const client = lines.get(user);
    if (!client) throw new Error(`${user} is not connected`);
    if (at.get(user) !== room) await client.ask(`/switch ${room}`);
    at.set(user, room);
    await client.ask(text);
  }
}

async function people(port: number): Promise<Map<string, LineClient>> {
  const lines = new Map<string, LineClient>();
  for (const user of ['mara', 'jonas', 'ines']) lines.set(user, await LineClient.register(port, user));
  for (const client of lines.values()) await client.ask('/open garden');
  const mara = lines.get('mara');
  await mara?.ask('/topic garden Beds, tools and who is there on Saturday');
  await mara?.ask('/open board');
  await mara?.ask('/access board private');
  await mara?.ask('/topic board For those who sign');
  for (const user of ['jonas', 'ines']) {
    await mara?.ask(`/invite board ${user}`);
    await lines.get(user)?.ask('/open board');
  }
  return lines;
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${DIRECTORY}${name}.png`, animations: 'disabled', caret: 'hide' });
}

async function enter(browser: Browser, product: Product, options: BrowserContextOptions): Promise<Person> {
  const mara = await Person.arrive(browser, product, 'mara', options);
  await mara.fillDoor();
  await mara.isInside();
  return mara;
}

it('makes the pictures', async () => {
  mkdirSync(DIRECTORY, { recursive: true });
  const [browser, product] = await Promise.all([startBrowser(), Product.start('--server-name', 'Allotment')]);
  try {
    const lines = await people(product.port);
    await talk(lines);
    lines.get('mara')?.close();

    const light = await enter(browser, product, DESKTOP);
    await lines.get('jonas')?.ask('/msg mara Do you have the key?');
    await lines.get('ines')?.ask('@mara look into the shed, please');
    await light.show('garden');
    await light.sees(PLAN);
    await shoot(light.page, 'desktop-light');
    await light.show('board');
    await light.sees('Very good. Then we can order the wood.');
    await light.page.getByRole('button', { name: 'Actions for jonas' }).click();
    await light.page.locator('.menu').waitFor();
    await shoot(light.page, 'moderation');
    await light.page.keyboard.press('Escape');
    await light.show('garden');
    await light.choose('Hooks for programs');
    await light.page.getByLabel('Name of the bot').fill('gitea');
    await light.page.keyboard.press('Enter');
    await light.page.getByText('ca.pem', { exact: true }).waitFor();
    await shoot(light.page, 'hooks');
    await light.leave();

    const dark = await enter(browser, product, { ...DESKTOP, colorScheme: 'dark' });
    await dark.show('garden');
    await dark.sees(PLAN);
    await dark.page.keyboard.press('Control+k');
    await dark.page.getByRole('combobox', { name: 'Find or start' }).fill('a');
    await dark.page.getByRole('option').first().waitFor();
    await shoot(dark.page, 'search');
    await dark.page.keyboard.press('Escape');
    await shoot(dark.page, 'desktop-dark');
    await dark.leave();

    const phone = await enter(browser, product, PHONE);
    await phone.entry('garden').waitFor();
    await shoot(phone.page, 'phone-list');
    await phone.show('garden');
    await phone.sees(PLAN);
    await shoot(phone.page, 'phone');
    for (const client of lines.values()) client.close();
  } finally {
    await Promise.all([browser.close(), product.stop()]);
  }
});
