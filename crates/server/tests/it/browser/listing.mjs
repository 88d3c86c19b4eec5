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

// What the filter opens is below its button, which stays where it is, in one row with the rest wherever there is room.
const filter = page.locator('#filters summary');
for (const width of [360, 768, 1024, 1440]) {
  await page.setViewportSize({ width, height: 800 });
  const before = await filter.boundingBox();
  assert.ok(Math.abs(before.y - (await search.boundingBox()).y) < 12, `beside the search at ${width} px`);
  await filter.click();
  await page.getByLabel('Problem').waitFor();
  assert.deepEqual(await filter.boundingBox(), before, `at ${width} px`);
  assert.ok((await page.getByLabel('Problem').boundingBox()).y > before.y + before.height);
  await filter.click();
}
await page.setViewportSize({ width: 1280, height: 900 });

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
// All is each of them; all but one, of which nothing else is changed; and whoever comes later is one of all.
const all = page.getByRole('checkbox', { name: /All \d devices/ });
const ticked = page.locator('.picks input:checked');
await all.check();
assert.equal(await ticked.count(), 3);
// Where there is no room for every button, the row fades out at its end, and its last button can be had all the same.
await page.setViewportSize({ width: 360, height: 640 });
const deeds = page.locator('.deeds > div');
assert.deepEqual(await deeds.evaluate((row) => [row.scrollWidth > row.clientWidth, getComputedStyle(row).maskImage === 'none']), [true, false]);
const last = deeds.locator('button').last();
await deeds.evaluate((row) => row.scrollTo(row.scrollWidth, 0));
const { x: left, width: wide } = await last.boundingBox();
const row = await deeds.boundingBox();
assert.ok(left + wide <= row.x + row.width - 40, 'the last button is not in the fade');
await page.setViewportSize({ width: 1280, height: 900 });
await page.getByRole('checkbox', { name: /Front door/ }).uncheck();
await page.getByText('All 3 devices but 1').waitFor();
assert.deepEqual([await ticked.count(), await all.isChecked()], [2, true]);
await page.getByRole('button', { name: 'Favourite…', exact: true }).click();
await page.getByText('2 devices will be changed.').waitFor();
assert.equal(await page.getByText('Front door').count(), 0);
await page.goBack();
await page.getByText('All 3 devices but 1').waitFor();
assert.equal(await ticked.count(), 2);
// Who was taken out stays out, also when another search hides it for a while.
await search.fill('mull');
await page.getByText('All 1 device that matches').waitFor();
await search.fill('');
await page.getByText('All 3 devices but 1').waitFor();
assert.equal(await page.getByRole('checkbox', { name: /Front door/ }).isChecked(), false);
await other.goto(`${url}/devices/new?way=nuki-mqtt`);
await other.getByLabel('Name').fill('Attic');
await other.getByRole('button', { name: 'Add device' }).click();
await page.getByText('All 4 devices but 1').waitFor();
assert.equal(await page.getByRole('checkbox', { name: /Attic/ }).isChecked(), true);
assert.equal(await ticked.count(), 3);
await all.uncheck();
assert.equal(await ticked.count(), 0);
// Without any there is nothing to do; one that a search hides stays chosen, and it is said.
const lock = page.getByRole('button', { name: 'Lock…' });
await page.getByText('None chosen yet').waitFor();
assert.equal(await lock.isDisabled(), true);
await page.getByRole('checkbox', { name: /Front door/ }).check();
await page.getByText('1 chosen', { exact: true }).waitFor();
await search.fill('mull');
await page.getByText('1 chosen, 1 of them not shown now').waitFor();
await page.locator('.picks input').check();
await search.fill('xyzzy');
await page.getByText('No device matches.').waitFor();
await search.fill('');
await page.getByText('2 chosen', { exact: true }).waitFor();
assert.deepEqual([await ticked.count(), await lock.isDisabled()], [2, false]);
await page.waitForTimeout(SETTLES);
// Nor does another page of the list, or coming back from the proposal to where one is not shown, lose any.
await page.getByRole('link', { name: /^\d locked/ }).click();
await page.getByText('2 chosen, 1 of them not shown now').waitFor();
await page.waitForTimeout(SETTLES);
await page.getByRole('button', { name: 'Favourite…', exact: true }).click();
await page.getByText('will be changed.').waitFor();
assert.equal(await page.locator('#results li, #why li').count(), 2, 'with the one that is a favourite already');
await page.goBack();
await page.getByText('2 chosen, 1 of them not shown now').waitFor();
await page.goBack();
await page.getByText('2 chosen', { exact: true }).waitFor();
while (await ticked.count()) await ticked.first().click();
await page.getByText('None chosen yet').waitFor();
await other.getByRole('link', { name: /Remove/ }).click();
await other.getByLabel('Type its name').fill('Attic');
await other.getByRole('button', { name: 'Remove it' }).click();
await page.getByText('All 3 devices').waitFor();
await all.check();
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
