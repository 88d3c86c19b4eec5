// Somebody looks for a door by typing, has the list as they like it, and locks everything at once: what is locked, offline or
// not theirs to lock is left out, every lock has its own result, and nothing is opened.
import { SETTLES, assert, browser, open, ordersOf, signIn, tile, url } from './browser.mjs';

const page = await open();
await signIn(page);
const orders = ordersOf(page);
let loads = 0;
page.on('load', () => { loads += 1; });
const search = page.getByRole('searchbox', { name: 'Search devices' });
await search.pressSequentially('mull');
await tile(page, 'Front door').waitFor({ state: 'detached' });
assert.equal(await page.locator('article.tile').count(), 1);
await page.waitForURL(/\?.*q=mull/, { waitUntil: 'commit' });
await search.pressSequentially('x');
await page.getByText('No device matches.').waitFor();
assert.equal(await search.evaluate((field) => field === document.activeElement && field.value), 'mullx');
for (let key = 0; key < 5; key += 1) await search.press('Backspace');
await tile(page, 'Cellar').waitFor();
assert.equal(loads, 0, 'the page followed what was typed without being loaded again');

await page.getByLabel('View').selectOption('Dense list');
await page.locator('.card.dense table').waitFor();
await page.goto(`${url}/devices`);
await page.locator('.card.dense table').waitFor();
await page.getByLabel('View').selectOption('Tiles');

const door = tile(page, 'Front door');
await door.waitFor();
await page.waitForTimeout(SETTLES);
await door.getByRole('button', { name: 'Unlock' }).click();
await door.getByText('Unlocked', { exact: true }).waitFor();
const other = await open();
await signIn(other);

await page.getByRole('link', { name: 'Select' }).click();
await page.getByRole('checkbox', { name: /All 3 devices/ }).check();
await page.getByRole('button', { name: 'Lock…' }).click();
await page.getByText('1 device will be locked.').waitFor();
assert.match(await page.locator('#left-out').innerText(), /2 devices left out:[^]*is locked already[^]*is offline|is offline[^]*is locked already/);
await page.getByRole('button', { name: 'Lock 1 device' }).dblclick();
await page.locator('#bulk-progress').getByText('Done: 1 device.').waitFor();
assert.equal(await page.locator('#results li').count(), 1);
await tile(other, 'Front door').getByText('Locked', { exact: true }).waitFor();
assert.deepEqual(orders.map((order) => order.get('order')), ['unlock'], 'no other button was pressed by this');
await page.goto(`${url}/devices`);
await browser.close();
