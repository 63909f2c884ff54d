// What calls a person who looks elsewhere: notifications and tones, which only the browser itself shows and plays; and the
// wish for less motion.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LONG, Person, startBrowser } from './people';
import { Product } from './product';

interface Shown {
  readonly title: string;
  readonly body: string;
  onclick: (() => void) | null;
  close(): void;
}

/** What the page asked the browser for. */
interface Asked {
  permissions: number;
  tones: number;
  readonly shown: Shown[];
  isFocused: boolean;
}

declare global {
  interface Window {
    asked: Asked;
  }
}

/** Puts itself between the page and the browser, before the page begins. */
function listen(): void {
  window.asked = { permissions: 0, tones: 0, shown: [], isFocused: true };
  let permission = 'default';
  class Listened implements Shown {
    readonly body: string;
    onclick: (() => void) | null = null;
    static get permission() {
      return permission;
    }
    static requestPermission() {
      window.asked.permissions++;
      permission = 'granted';
      return Promise.resolve(permission);
    }
    constructor(
      readonly title: string,
      options: NotificationOptions,
    ) {
      this.body = options.body ?? '';
      window.asked.shown.push(this);
    }
    close() {
      this.onclick = null;
    }
  }
  Object.assign(window, { Notification: Listened });
  document.hasFocus = () => window.asked.isFocused;
  window.OscillatorNode = class extends OscillatorNode {
    override start(when?: number): void {
      window.asked.tones++;
      super.start(when);
    }
  };
}

let browser: Browser;
let product: Product;
let ann: Person;
let ben: Person;
beforeAll(async () => {
  [browser, product] = await Promise.all([startBrowser(), Product.start()]);
  [ann, ben] = await Promise.all([
    Person.register(browser, product, 'ann'),
    Person.register(browser, product, 'ben'),
  ]);
  await ann.openRoom('garden');
  await ben.openRoom('garden');
  await ann.context.addInitScript(listen);
});
afterAll(() => Promise.all([browser.close(), product.stop()]));
beforeEach(async () => {
  await ann.page.evaluate(() => localStorage.removeItem('parlor.settings'));
  await ann.page.goto(`${ann.address}#/room/garden`);
  await ann.page.reload();
  await ann.isInside();
  await ann.isAt('garden');
});

const shown = () => ann.page.evaluate(() => window.asked.shown.map(({ title, body }) => `${title}: ${body}`));
const tones = () => ann.page.evaluate(() => window.asked.tones);
const look = (isFocused: boolean) =>
  ann.page.evaluate((focused) => {
    window.asked.isFocused = focused;
    dispatchEvent(new Event(focused ? 'focus' : 'blur'));
  }, isFocused);

async function turn(setting: string): Promise<void> {
  await ann.page.getByRole('button', { name: 'Settings' }).click();
  await ann.page.getByRole('switch', { name: setting }).click();
  await ann.page.keyboard.press('Escape');
  await ann.page.locator('dialog').waitFor({ state: 'detached' });
}

/** Ben says something in a room, and ann has heard of it. */
async function says(room: string, text: string): Promise<void> {
  await ben.show(room);
  await ben.say(text);
  await ben.sees(text);
  if (room === 'garden') await ann.sees(text);
  else await expect.poll(() => ann.entry(room).innerText(), { timeout: LONG }).toMatch(/\d/);
}

describe('notifications', () => {
  it('are asked for when they are wanted, and not before', async () => {
    await look(false);
    await says('lobby', '@ann are you there?');
    await expect.poll(tones, { timeout: LONG }).toBeGreaterThan(0);
    expect(await ann.page.evaluate(() => window.asked.permissions)).toBe(0);
    expect(await shown()).toEqual([]);
    await turn('Desktop notifications');
    expect(await ann.page.evaluate(() => window.asked.permissions)).toBe(1);
    await ann.show('lobby');
  });

  it('show mentions and direct messages, once, and lead to them', async () => {
    await turn('Desktop notifications');
    await look(false);
    await says('lobby', 'nothing for anybody');
    await says('lobby', '@ann in the lobby');
    await expect.poll(shown, { timeout: LONG }).toEqual(['ben in #lobby: @ann in the lobby']);
    await ben.writeTo('ann');
    await ben.say('psst');
    await expect.poll(shown, { timeout: LONG }).toEqual(['ben in #lobby: @ann in the lobby', 'ben: psst']);
    await ann.page.evaluate(() => window.asked.shown[1]?.onclick?.());
    await ann.isAt('ben');
    await ann.sees('psst');
    await ann.show('lobby');
  });

  it('do not show what is in front of the eyes, nor anything while the page is looked at', async () => {
    await turn('Desktop notifications');
    await look(false);
    await says('garden', '@ann here before you');
    await look(true);
    await says('lobby', '@ann elsewhere');
    await expect.poll(tones, { timeout: LONG }).toBeGreaterThan(0);
    expect(await shown()).toEqual([]);
    await ann.show('lobby');
  });
});

describe('the tone', () => {
  it('can be turned off, and stays off', async () => {
    await look(false);
    await says('lobby', '@ann ding');
    await expect.poll(tones, { timeout: LONG }).toBe(2);
    await turn('Sound');
    await ann.page.reload();
    await ann.isInside();
    await turn('Desktop notifications');
    await look(false);
    await says('lobby', '@ann silence');
    await expect.poll(shown, { timeout: LONG }).toEqual(['ben in #lobby: @ann silence']);
    expect(await tones()).toBe(0);
  });
});

describe('the tab', () => {
  it('counts in title and icon what concerns its user, and has a dot for what is unread', async () => {
    const icon = async () =>
      decodeURIComponent((await ann.page.locator('link[rel=icon]').getAttribute('href')) ?? '');
    const [dot, number] = ['<circle cx="25"', />(\d)<\/text>/u] as const;
    for (const each of ['lobby', 'ben', 'garden']) {
      await ann.show(each);
      await expect.poll(() => ann.entry(each).innerText(), { timeout: LONG }).not.toMatch(/\d/);
    }
    await expect.poll(icon, { timeout: LONG }).toBe('/favicon.svg');
    expect(await ann.page.title()).not.toMatch(/^\(/);
    await says('lobby', 'nothing for anybody');
    await expect.poll(icon, { timeout: LONG }).toContain(dot);
    expect(await icon()).not.toMatch(number);
    expect(await ann.page.title()).not.toMatch(/^\(/);
    await says('lobby', '@ann one');
    await says('lobby', '@ann two');
    await expect.poll(async () => number.exec(await icon())?.[1], { timeout: LONG }).toBe('2');
    expect(await ann.page.title()).toMatch(/^\(2\) /);
    await ann.show('lobby');
    await expect.poll(icon, { timeout: LONG }).toBe('/favicon.svg');
    expect(await ann.page.title()).not.toMatch(/^\(/);
  });
});

describe('motion', () => {
  it.each(['reduce', 'no-preference'] as const)('is what the user wants: %s', async (reducedMotion) => {
    await ann.page.emulateMedia({ reducedMotion });
    await ann.context.route(/\/assets\/more-/, () => undefined);
    await ann.page.keyboard.press('Control+k');
    await ann.page.locator('dialog .spinner').waitFor();
    const moving = await ann.page.evaluate(() => document.getAnimations().length);
    expect(moving > 0).toBe(reducedMotion === 'no-preference');
    await ann.context.unrouteAll({ behavior: 'ignoreErrors' });
  });
});
