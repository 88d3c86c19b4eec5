// With a thumb, at 360 px: the navigation is at the bottom, a door is unlocked and opened, and nothing is hidden behind it.
import { assert, browser, open, ordersOf, SETTLES, signIn, tile } from './browser.mjs';

const page = await open({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
await signIn(page);
const bar = page.getByRole('navigation', { name: 'Main, at the bottom' });
await bar.getByRole('link', { name: 'Activity' }).tap();
await page.waitForURL(/activity/);
await page.getByRole('heading', { name: 'Activity log' }).waitFor();
await bar.getByRole('link', { name: 'Devices' }).tap();
await page.waitForURL(/devices/);
const sent = ordersOf(page);
const door = tile(page, 'Front door');
await door.getByRole('button', { name: 'Unlock' }).tap();
await door.getByText('Unlocked', { exact: true }).waitFor();
await door.locator('.note').getByText('done').waitFor();
await page.waitForTimeout(SETTLES);
await door.getByRole('button', { name: 'Open…' }).tap();
const question = door.getByRole('button', { name: 'Really open?' });
await question.waitFor();
await page.waitForTimeout(SETTLES);
await question.tap();
await door.locator('.note').getByText('Open at').waitFor();
assert.deepEqual(sent.map((order) => order.get('order')), ['unlock', 'open']);

// Whatever the focus goes to is above the bar.
await page.evaluate(() => scrollTo(0, 0));
const top = (await bar.boundingBox()).y;
for (let steps = 0; steps < 40; steps += 1) {
  await page.keyboard.press('Tab');
  const under = await page.evaluate((y) => {
    const here = document.activeElement;
    const box = here.getBoundingClientRect();
    return here !== document.body && !here.closest('nav.bottom') && box.bottom > y + 1 && box.height < y ? here.textContent : null;
  }, top);
  assert.equal(under, null, 'the focus is behind the bar');
}
await browser.close();
