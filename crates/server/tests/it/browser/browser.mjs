// What every journey needs: Chromium, somebody signed in, and waiting for what a person would see.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import net from 'node:net';
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
    const expected = /net::ERR_|status of (404|422|502)/.test(message.text());
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

/** A button that has just come, or has just become a question, takes no press for a moment. */
export const SETTLES = 700;

/** The orders that a page sends from now on, as their forms. */
export function ordersOf(page) {
  const sent = [];
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/order')) sent.push(new URLSearchParams(request.postData()));
  });
  return sent;
}

const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** Whether the page, as wide as the window is and a little narrower, needs scrolling sideways. */
export async function sideways(page, name) {
  const found = [];
  const { width, height } = page.viewportSize();
  for (const wide of width > 768 ? [768, width] : [width]) {
    await page.setViewportSize({ width: wide, height });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 1) found.push(`${name} at ${wide} px: ${over} px too wide`);
  }
  return found;
}

/** What shuts somebody out of the page as it is now, in light or dark. Needs `bypassCSP`: the checker is injected, which the
 * pages' own policy rightly forbids. */
export async function faults(page, name) {
  const found = await sideways(page, name);
  const { width } = page.viewportSize();
  await page.evaluate(axe);
  // What is there does not depend on the scheme, only how it is coloured.
  for (const [colorScheme, only] of [['dark', { runOnly: ['color-contrast', 'link-in-text-block'] }], ['light', {}]]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate((options) => globalThis.axe.run(options), only);
    for (const { id, help, nodes } of violations) {
      found.push(`${name} at ${width} px, ${colorScheme}: ${id}, ${help}: ${nodes.map((node) => node.target).join(' | ')}`);
    }
  }
  return found;
}

/** The same doors by another way in. */
export async function rest(path, method = 'GET') {
  const answer = await fetch(`${url}/api${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.ok, true, `${method} ${path}: ${answer.status}`);
  return method === 'GET' ? answer.json() : null;
}

export const smartlock = async (name) => (await rest('/smartlock')).find((lock) => lock.name === name);

/** What stands between a window and the server. It can be pulled out, say nothing more, or answer for a server that is away. */
export async function proxy() {
  const pairs = new Set();
  let mode = 'through';
  const away = 'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\n<h1>Bad Gateway</h1>';
  const socket = net.createServer((near) => {
    near.on('error', () => {});
    if (mode === 'away') return near.once('data', () => near.end(away));
    const far = net.connect(new URL(url).port, new URL(url).hostname);
    far.on('error', () => {});
    for (const pair of [[near, far], [far, near]]) {
      pairs.add(pair);
      pair[0].on('close', () => { pairs.delete(pair); pair[1].destroy(); });
      if (mode === 'through') pair[0].pipe(pair[1]);
    }
  });
  const plugIn = (at = 0) => new Promise((done) => { socket.listen(at, '127.0.0.1', () => done(socket.address().port)); });
  const cut = () => pairs.forEach(([end]) => end.destroy());
  const port = await plugIn();
  return {
    at: `http://127.0.0.1:${port}`,
    plugIn: () => plugIn(port),
    pullOut() { socket.close(); cut(); },
    goAway() { mode = 'away'; cut(); },
    comeBack() { mode = 'through'; },
    fallSilent() { mode = 'silent'; pairs.forEach(([from, to]) => from.unpipe(to)); },
    speakAgain() { mode = 'through'; pairs.forEach(([from, to]) => from.pipe(to)); },
  };
}

export { assert };
