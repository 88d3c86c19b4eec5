// Every page, narrow and wide, light and dark: axe-core finds nothing, and nothing needs sideways scrolling.
import { readFileSync } from 'node:fs';
import { assert, browser, open, pages, signIn, url } from './browser.mjs';

const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const found = [];
for (const colorScheme of ['light', 'dark']) {
  for (const width of [360, 768, 1440]) {
    // The checker is injected, which the pages' own policy rightly forbids.
    const page = await open({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true, reducedMotion: 'reduce' });
    const look = async (path) => {
      await page.goto(`${url}${path}`);
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (sideways > 1) found.push(`${path} at ${width} px: ${sideways} px too wide`);
      if (width === 768) return;
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      for (const { id, help, nodes } of violations) {
        found.push(`${path} at ${width} px, ${colorScheme}: ${id}, ${help}: ${nodes.map((node) => node.target).join(' | ')}`);
      }
    };
    await look('/sign-in');
    await look('/set-up');
    await signIn(page);
    for (const path of await pages(page)) await look(path);
    await page.context().close();
  }
}
assert.deepEqual(found, []);
await browser.close();
