// How long the longest tasks of a page of many devices are while they live: BINARY [DEVICES] [SECONDS]. Starts a demo with
// that many simulated locks on the same machine, and looks at its page as tiles and as a list.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { chromium } from '../crates/server/tests/it/browser/node_modules/playwright-core/index.mjs';

const [binary, devices = '1000', seconds = '20'] = process.argv.slice(2);
const demo = spawn(binary, ['demo', '--devices', devices, '--json', '--http', '127.0.0.1:0', '--mqtt', '127.0.0.1:0'], {
  stdio: ['ignore', 'pipe', 'ignore'],
});
const told = JSON.parse((await createInterface({ input: demo.stdout })[Symbol.asyncIterator]().next()).value);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`${told.url}/sign-in`);
  await page.fill('input[name=email]', told.email);
  await page.fill('input[name=password]', told.password);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
  for (const view of ['tiles', 'list']) {
    await page.goto(`${told.url}/devices?view=${view}&shown=${devices}`);
    await page.waitForTimeout(5_000);
    const { tasks, drawn } = await page.evaluate(async (lasts) => {
      const seen = [];
      let drawn = 0;
      const card = (node) => (node.closest ? node : node.parentElement)?.closest('article, tbody tr')?.id;
      const cards = (list) => new Set(list.map((one) => card(one.target)).filter(Boolean));
      const watched = { childList: true, subtree: true, attributes: true, characterData: true };
      new MutationObserver((list) => (drawn += cards(list).size)).observe(document.body, watched);
      new PerformanceObserver((list) => seen.push(...list.getEntries().map((one) => one.duration))).observe({ type: 'longtask' });
      await new Promise((done) => setTimeout(done, lasts));
      return { tasks: seen, drawn };
    }, Number(seconds) * 1_000);
    const cards = await page.locator('article, tbody tr').count();
    const longest = Math.round(Math.max(0, ...tasks));
    console.log(
      `page of ${cards} devices as ${view}, ${seconds} s, ${drawn} cards drawn anew: ${tasks.length} tasks above 50 ms, ` +
        `${tasks.filter((task) => task > 100).length} above 100 ms, longest ${longest} ms`,
    );
  }
} finally {
  await browser.close();
  demo.kill();
}
