// Every state of a tile, as tiles and rows of either density: nothing is cut off, nothing lies over something else, axe-core
// finds nothing, in light and dark, narrow and wide. With PICTURES=DIR each is kept as a picture.
import { assert, browser, faults, open, signIn, url } from './browser.mjs';

const found = [];
for (const width of [360, 1440]) {
  const page = await open({ viewport: { width, height: 900 }, bypassCSP: true, reducedMotion: 'reduce' });
  await signIn(page);
  for (const view of ['tiles', 'small-tiles', 'list', 'dense-list']) {
    await page.goto(`${url}/devices?sort=added&view=${view}&shown=200`);
    const cards = page.locator('article.tile, tbody tr');
    await cards.first().waitFor();
    // What is off the screen is not even laid out, otherwise; and the bar at the bottom lies over what is below it.
    await page.addStyleTag({ content: '* { content-visibility: visible !important } nav.bottom { display: none !important }' });
    const count = await cards.count();
    assert.ok(count > 60, `${view} at ${width} px: ${count} devices`);
    // What is longer than its place, and buttons and chips that lie over each other.
    found.push(...await cards.evaluateAll((all, at) => all.flatMap((card) => {
      const name = card.querySelector('h2, th').textContent;
      const seen = (one) => one.checkVisibility() && !one.closest('.sr') && one.getClientRects().length > 0;
      const parts = [...card.querySelectorAll('*')].filter((one) => one instanceof HTMLElement && seen(one));
      const box = card.getBoundingClientRect();
      const wide = parts.filter((one) => {
        const { left, right } = one.getBoundingClientRect();
        return left < box.left - 1 || right > box.right + 1 || one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== 'visible';
      });
      // Line by line. Around the name in a row is room where it can be pressed, too.
      const rects = (one) => {
        const words = document.createRange();
        words.selectNodeContents(one);
        return [...(one.matches('th a') ? words : one).getClientRects()];
      };
      const things = parts.filter((one) => one.matches('a, button, .chip, .note, small, b'));
      const over = things.flatMap((one, place) => things.slice(place + 1).filter((other) => {
        if (one.contains(other) || other.contains(one)) return false;
        return rects(one).some((a) => rects(other).some((b) =>
          Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4));
      }).map((other) => `${one.textContent} over ${other.textContent}`));
      return [...wide.map((one) => `${at} ${name}: ${one.localName}.${one.className} is cut off`), ...over.map((words) => `${at} ${name}: ${words}`)];
    }), `${view} at ${width} px:`));
    found.push(...await faults(page, view));
    for (const colorScheme of process.env.PICTURES ? ['light', 'dark'] : []) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${process.env.PICTURES}/${view}-${width}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.context().close();
}
assert.deepEqual(found, []);
await browser.close();
