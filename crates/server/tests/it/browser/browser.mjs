// What every journey needs: Chromium, somebody signed in, and waiting for what a person would see.
import assert from 'node:assert';
import { chromium } from 'playwright-core';

export const { URL: url, EMAIL: email, PASSWORD: password, TOKEN: token } = process.env;
const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--no-first-run'];
export const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: flags });

/** A window; anything it complains about fails the test. */
export async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on('console', (message) => {
    const expected = /net::ERR_|status of (404|422)/.test(message.text());
    if (message.type() === 'error' && !expected) fail(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => fail(`script: ${error}`));
  return page;
}

export async function signIn(page, who = email, secret = password, at = url) {
  await page.goto(`${at}/sign-in`);
  await page.getByLabel('E-mail').fill(who);
  await page.getByLabel('Password', { exact: true }).fill(secret);
  await page.locator('form').getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/devices/);
}

export function fail(words) {
  console.error(words);
  process.exit(1);
}

/** The tile of a device. */
export const tile = (page, name) => page.locator('article.tile', { has: page.getByRole('heading', { name, exact: true }) });

/** Every page there is, once somebody is signed in. */
export async function pages(page) {
  await page.goto(`${url}/devices`);
  const device = await page.locator('article.tile h2 a').first().getAttribute('href');
  return ['/devices', '/devices?view=list', '/devices?sort=added', device, `${device}/order?order=open`, `${device}/remove`,
    `${device}/revoke`, '/devices/new', '/activity', `/activity?device=${device.split('/').pop()}`, '/settings/account',
    '/settings/api-tokens', '/no-such-page'];
}

export { assert };
