// People at browsers, in front of the real server: what they do and what they see, by the words of the page.
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core';
import { expect } from 'vitest';
import { FLAGS } from './browser';
import { passwordOf } from './line-client';

/** How long something may take on a machine that has much to do, in ms. */
export const LONG = 30_000;

/** A server, or what stands in front of servers. */
export interface Reachable {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
}

/** The option of a context does not reach shared workers. */
const ANY_CERTIFICATE = ['--ignore-certificate-errors'];

/** A browser process; every person has a profile of their own in it. */
export function startBrowser(trust: readonly string[] = ANY_CERTIFICATE): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: [...FLAGS, ...trust],
  });
}

export class Person {
  /** What the browsers of this person complained about. */
  readonly complaints: string[] = [];

  private constructor(
    readonly name: string,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly address: string,
  ) {
    watch(page, this.complaints);
  }

  /** A person whose browser shows the door, after `goOn` if it warns of the certificate first. */
  static async arrive(
    browser: Browser,
    product: Reachable,
    name: string,
    options: BrowserContextOptions = {},
    goOn?: (page: Page) => Promise<void>,
  ): Promise<Person> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', ...options });
    context.setDefaultTimeout(LONG);
    const page = await context.newPage();
    const person = new Person(name, context, page, `https://${product.address}/`);
    if (goOn === undefined) await page.goto(person.address);
    else await page.goto(person.address).then(fail, () => goOn(page));
    await page.waitForSelector('.door');
    return person;
  }

  /** A person with a new account, in the lobby. */
  static async register(
    browser: Browser,
    product: Reachable,
    name: string,
    options: BrowserContextOptions = {},
  ): Promise<Person> {
    const person = await Person.arrive(browser, product, name, options);
    await person.page.getByRole('button', { name: 'Make an account' }).click();
    await person.fillDoor();
    await person.isInside();
    return person;
  }

  /** Another tab of the same browser. */
  async openTab(): Promise<Page> {
    const page = await this.context.newPage();
    watch(page, this.complaints);
    await page.goto(this.address);
    return page;
  }

  async fillDoor(password = passwordOf(this.name)): Promise<void> {
    await this.page.getByLabel('Name', { exact: true }).fill(this.name);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.page.locator('.door button[type=submit]').click();
  }

  async isInside(page = this.page): Promise<void> {
    await page.locator('.me-state.live').waitFor({ state: 'attached' });
  }

  /** Opens or makes a room by the search box. */
  async openRoom(room: string): Promise<void> {
    await this.page.keyboard.press('Control+k');
    await this.page.getByRole('combobox', { name: 'Find or start' }).fill(`#${room}`);
    await this.page.getByRole('option', { name: room }).first().waitFor();
    await this.page.keyboard.press('Enter');
    await this.isAt(room);
  }

  async show(conversation: string): Promise<void> {
    await this.entry(conversation).click();
    await this.isAt(conversation);
  }

  async writeTo(user: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Write to somebody' }).click();
    await this.page.locator('dialog input').fill(user);
    await this.page.keyboard.press('Enter');
    await this.isAt(user);
  }

  async say(text: string, page = this.page): Promise<void> {
    const field = page.locator('.composer textarea');
    await field.fill(text);
    await field.press('Enter');
  }

  /** The menu of the conversation in front. */
  async choose(item: string): Promise<void> {
    await this.page.getByRole('button', { name: 'What you can do here' }).click();
    await this.page.getByRole('menuitem', { name: item }).click();
  }

  /** This conversation is in front. */
  isAt(conversation: string): Promise<void> {
    return this.page.locator(`.head h2[title="${conversation}"]`).waitFor();
  }

  entry(conversation: string, page = this.page) {
    return page
      .locator('.side-entry')
      .filter({ has: page.locator('.name', { hasText: new RegExp(`^${conversation}$`) }) });
  }

  message(text: string, page = this.page) {
    return page.locator('.message').filter({ has: page.locator('.text', { hasText: text }) });
  }

  /** The texts of the messages that the server has accepted, from top to bottom. */
  texts(page = this.page): Promise<readonly string[]> {
    return page.locator('.message:not(.pending) .text').allInnerTexts();
  }

  async sees(text: string, page = this.page): Promise<void> {
    await this.message(text, page).last().waitFor();
    await expect.poll(() => this.texts(page), { timeout: LONG }).toContain(text);
  }

  leave(): Promise<void> {
    return this.context.close();
  }
}

function fail(): never {
  throw new Error('the browser did not warn');
}

function watch(page: Page, complaints: string[]): void {
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    const text = message.text();
    // A request that fails is what some of the tests are about; the browser always reports it.
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) complaints.push(text);
  });
}
