// Without a mouse: sign in, unlock, and open in two steps. A key that is held down is one press.
import { assert, browser, open, ordersOf, SETTLES, tile, email, password, url } from './browser.mjs';

const page = await open();
await page.goto(`${url}/sign-in`);
await page.keyboard.type(email);
await page.keyboard.press('Tab');
await page.keyboard.type(password);
await page.keyboard.press('Enter');
await page.waitForURL(/\/devices/);
const door = tile(page, 'Front door');
await door.getByText('Locked', { exact: true }).waitFor();
const sent = ordersOf(page);
const orders = () => sent.map((order) => `${order.get('order')}${order.has('sure') ? ', sure' : ''}`);

async function tabTo(name) {
  for (let steps = 0; steps < 60; steps += 1) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(() => document.activeElement.textContent.trim());
    // A field of text has its ring around itself and its icon.
    const ring = await page.evaluate(() => {
      const here = document.activeElement;
      return getComputedStyle(here.closest('.input') ?? here).outlineStyle;
    });
    assert.notEqual(ring, 'none', `no focus to be seen on "${here}"`);
    if (name.test(here)) return;
  }
  throw new Error(`no way to ${name} by Tab`);
}

/** Enter, held down until it has repeated ten times. */
async function holdEnter() {
  for (let times = 0; times < 11; times += 1) {
    await page.keyboard.down('Enter');
    await page.waitForTimeout(60);
  }
  await page.keyboard.up('Enter');
}

await tabTo(/^Unlock.*Front door/);
await holdEnter();
await door.getByText('Unlocked', { exact: true }).waitFor();
await door.locator('.note').getByText('done').waitFor();
assert.deepEqual(orders(), ['unlock']);
assert.equal(await page.evaluate(() => document.activeElement.className), 'state', 'the focus rests on what became of it');

await page.waitForTimeout(SETTLES);
await tabTo(/^Open….*Front door/);
await holdEnter();
const question = door.getByRole('button', { name: 'Really open?' });
await question.waitFor();
const colours = await question.evaluate((button) => [button.dataset.armed, getComputedStyle(button).backgroundColor]);
assert.ok(colours[0], 'the question is armed');
const calm = await door.getByRole('button', { name: 'Lock' }).evaluate((button) => getComputedStyle(button).backgroundColor);
assert.notEqual(colours[1], calm);
assert.notEqual(colours[1], await door.evaluate((card) => getComputedStyle(card).backgroundColor), 'it stands out');
await question.waitFor({ state: 'detached', timeout: 6_000 });
assert.deepEqual(orders(), ['unlock'], 'after five seconds the question is gone, and nothing was ordered');

await page.keyboard.press('Enter');
await question.waitFor();
await page.waitForTimeout(SETTLES);
await page.keyboard.press('Enter');
await door.locator('.note').getByText('Open at').waitFor();
assert.deepEqual(orders(), ['unlock', 'open, sure']);
await page.goto(url + await door.locator('h2 a').getAttribute('href'));
const last = page.getByRole('region', { name: 'Last orders' }).or(page.locator('section[id^=commands-]'));
assert.deepEqual(await last.first().locator('li b').allTextContents(), ['Open', 'Unlock']);
await browser.close();
