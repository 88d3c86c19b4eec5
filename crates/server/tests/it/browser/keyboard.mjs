// Without a mouse: sign in, unlock, and open in two steps that a held key cannot make one.
import { assert, browser, open, tile, email, password, url } from './browser.mjs';

const page = await open();
await page.goto(`${url}/sign-in`);
await page.keyboard.type(email);
await page.keyboard.press('Tab');
await page.keyboard.type(password);
await page.keyboard.press('Enter');
await page.waitForURL(/\/devices/);
const door = tile(page, 'Front door');
await door.getByText('Locked', { exact: true }).waitFor();

async function tabTo(name) {
  for (let steps = 0; steps < 60; steps += 1) {
    await page.keyboard.press('Tab');
    const here = await page.evaluate(() => document.activeElement.textContent.trim());
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(ring, 'none', `no focus to be seen on "${here}"`);
    if (name.test(here)) return;
  }
  throw new Error(`no way to ${name} by Tab`);
}

await tabTo(/^Open….*Front door/);
await page.keyboard.press('Enter');
await door.getByText('Really open?').waitFor();
assert.equal(await door.getByText('Locked', { exact: true }).count(), 1, 'one press opens nothing');
await page.waitForTimeout(600);
await page.keyboard.press('Enter');
await door.getByText('Open', { exact: true }).or(door.getByText('Unlocked', { exact: true })).first().waitFor();
await browser.close();
