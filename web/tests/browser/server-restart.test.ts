// Servers that are killed while people talk: nothing is lost, nothing is said twice, and nobody logs in again.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineClient } from './line-client';
import { LONG, Person, startBrowser } from './people';
import { Product, Redis } from './product';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** What these people see is exactly what the server has, in its order. */
async function agree(product: Product, reader: string, people: readonly Person[], texts: readonly string[]) {
  const client = await LineClient.register(product.port, reader);
  const settled = async () => (await client.history('garden')).map((each) => each.text);
  await expect.poll(async () => (await settled()).toSorted(), { timeout: LONG }).toEqual(texts.toSorted());
  const history = await settled();
  for (const person of people) {
    await expect.poll(() => person.texts(), { timeout: LONG }).toEqual(history);
    expect(await person.page.locator('.message.pending').count()).toBe(0);
    expect(await person.page.locator('input[type=password]').count()).toBe(0);
  }
  client.close();
}

async function disconnected(person: Person): Promise<void> {
  await person.page.locator('.me-state:not(.live)').waitFor({ state: 'attached' });
}

describe('a server that is killed and started again', () => {
  it('loses nothing and says nothing twice', async () => {
    const product = await Product.start();
    const ann = await Person.register(browser, product, 'ann');
    const ben = await Person.register(browser, product, 'ben');
    await ann.openRoom('garden');
    await ben.openRoom('garden');
    const said: string[] = [];
    const say = async (person: Person, text: string) => {
      said.push(text);
      await person.say(text);
    };
    for (let round = 1; round <= 3; round++) {
      await say(ann, `ann ${round} before`);
      await say(ben, `ben ${round} before`);
      await product.kill();
      await say(ann, `ann ${round} without`);
      await say(ben, `ben ${round} without`);
      await Promise.all([disconnected(ann), disconnected(ben)]);
      await say(ann, `ann ${round} still without`);
      await product.startAgain();
      await Promise.all([ann.isInside(), ben.isInside()]);
      await say(ben, `ben ${round} after`);
    }
    await agree(product, 'reader', [ann, ben], said);
    await ann.page.reload();
    await ann.isInside();
    await agree(product, 'reader2', [ann, ben], said);
    expect([...ann.complaints, ...ben.complaints].filter((text) => !text.includes('WebSocket'))).toEqual([]);
    await Promise.all([ann.leave(), ben.leave(), product.stop()]);
  });

  it('says after a restart what a page wrote that is gone', async () => {
    const product = await Product.start();
    const ann = await Person.register(browser, product, 'ann');
    await ann.openRoom('garden');
    await ann.say('before');
    await ann.sees('before');
    await product.kill();
    await disconnected(ann);
    await ann.say('on a page that is closed');
    await ann.page.locator('.message.pending').waitFor();
    await ann.page.goto('about:blank');
    await product.startAgain();
    await ann.page.goto(`${ann.address}#/room/garden`);
    await ann.isInside();
    await agree(product, 'reader', [ann], ['before', 'on a page that is closed']);
    await Promise.all([ann.leave(), product.stop()]);
  });
});

describe('two servers with one Redis', () => {
  it('carry messages between their users, and the users of one go on without the other', async () => {
    const redis = await Redis.start();
    const [one, two] = await Promise.all([
      Product.start('--redis', redis.url),
      Product.start('--redis', redis.url),
    ]);
    const ann = await Person.register(browser, one, 'ann');
    const ben = await Person.register(browser, two, 'ben');
    const cid = await Person.register(browser, two, 'cid');
    for (const person of [ann, ben, cid]) await person.openRoom('garden');
    const said = ['ann on one', 'ben on two', 'ben alone', 'cid alone', 'ann offline', 'ann again'];
    await ann.say('ann on one');
    await ben.sees('ann on one');
    await ben.say('ben on two');
    await ann.sees('ben on two');

    await one.kill();
    await disconnected(ann);
    await ben.say('ben alone');
    await cid.sees('ben alone');
    await cid.say('cid alone');
    await ben.sees('cid alone');
    await ann.say('ann offline');

    await one.startAgain();
    await ann.isInside();
    await ben.sees('ann offline');
    await ann.say('ann again');
    await ben.sees('ann again');
    await agree(two, 'reader', [ann, ben, cid], said);
    await Promise.all([ann, ben, cid].map((person) => person.leave()));
    await Promise.all([one.stop(), two.stop(), redis.stop()]);
  });

  it('say what waited as soon as Redis is back', async () => {
    const redis = await Redis.start();
    const [one, two] = await Promise.all([
      Product.start('--redis', redis.url),
      Product.start('--redis', redis.url),
    ]);
    const ann = await Person.register(browser, one, 'ann');
    const ben = await Person.register(browser, two, 'ben');
    for (const person of [ann, ben]) await person.openRoom('garden');
    await ann.say('before');
    await ben.sees('before');

    await redis.kill();
    await ann.say('without Redis');
    await ben.say('without Redis either');
    for (const person of [ann, ben])
      await person.page.getByText('The store of the server is away').first().waitFor();

    await redis.startAgain();
    await ben.sees('without Redis');
    await ann.sees('without Redis either');
    await ann.say('after');
    await ben.sees('after');
    await agree(two, 'reader', [ann, ben], ['before', 'without Redis', 'without Redis either', 'after']);
    await Promise.all([ann.leave(), ben.leave()]);
    await Promise.all([one.stop(), two.stop(), redis.stop()]);
  });
});
