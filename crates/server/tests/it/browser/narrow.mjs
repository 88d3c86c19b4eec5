// With a thumb, at 360 px: the navigation is at the bottom, a door is unlocked and opened, and nothing is hidden behind it.
import { assert, browser, open, ordersOf, SETTLES, signIn, tile, url } from './browser.mjs';

const page = await open({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
await signIn(page);
const bar = page.getByRole('navigation', { name: 'Main, at the bottom' });
await bar.getByRole('link', { name: 'Activity' }).tap();
await page.waitForURL(/activity/);
await page.getByRole('heading', { name: 'Activity log' }).waitFor();
await bar.getByRole('link', { name: 'Devices', exact: true }).tap();
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

// On a device's own page the question is where the button was, at every width of a phone.
await page.goto(url + await door.locator('h2 a').getAttribute('href'));
const head = page.locator('section.head');
for (const width of [320, 340, 360, 375, 390, 411, 430]) {
  await page.setViewportSize({ width, height: 640 });
  await page.reload();
  const risky = head.locator('[value=open]');
  await risky.waitFor();
  const { x, y, width: wide, height } = await risky.boundingBox();
  await risky.tap();
  await risky.getByText('Really open?').waitFor();
  for (const [across, down] of [[4, 4], [wide / 2, height / 2], [wide - 4, height - 4]]) {
    const under = await page.evaluate(([left, top]) => document.elementFromPoint(left, top)?.closest('button')?.value, [x + across, y + down]);
    assert.equal(under, 'open', `at ${width} px, ${across} px into the button`);
  }
}
// The words in its pictures are as large as words beside them, at every width, and lie within the picture.
for (const width of [320, 360, 768, 1440]) {
  await page.setViewportSize({ width, height: 640 });
  const words = await page.locator('svg.pic text').evaluateAll((all) => all.map((text) => {
    const { left, right } = text.getBoundingClientRect();
    const picture = text.closest('svg.pic').getBoundingClientRect();
    const size = parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().d;
    return { words: text.textContent, size, inside: left >= picture.left - 1 && right <= picture.right + 1 };
  }));
  assert.ok(words.length >= 11, `${words.length} words at ${width} px`);
  const wrong = words.filter(({ size, inside }) => size < 12 || size > 15 || !inside);
  assert.deepEqual(wrong, [], `at ${width} px`);
}
await page.setViewportSize({ width: 360, height: 640 });
await page.goto(`${url}/devices`);

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
