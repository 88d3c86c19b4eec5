// A connection that is dead without a word, and a proxy that answers for a server that is away: the page stays, says that
// it may be old, sends nothing twice, and goes on by itself.
import { assert, browser, open, ordersOf, proxy, rest, signIn, smartlock, tile } from './browser.mjs';

const between = await proxy();
const page = await open();
await page.clock.install();
await signIn(page, undefined, undefined, between.at);
const door = tile(page, 'Front door');
const lost = page.locator('#lost');
const { smartlockId } = await smartlock('Front door');
const shows = (word) => door.getByText(word, { exact: true }).waitFor();
await shows('Locked');
let loads = 0;
page.on('load', () => { loads += 1; });

between.fallSilent();
await rest(`/smartlock/${smartlockId}/action/unlock`, 'POST');
await page.clock.fastForward(20_000);
assert.equal(await lost.isVisible(), false, 'one missed sign of life is none yet');
await page.clock.fastForward(10_000);
await lost.waitFor({ state: 'visible' });
await shows('Locked');
between.speakAgain();
await shows('Unlocked');
await lost.waitFor({ state: 'hidden' });

const done = (action) => door.locator('.note').getByText(`${action} at`).waitFor();
await done('Unlock');
const sent = ordersOf(page);
between.goAway();
await lost.waitFor({ state: 'visible' });
await page.clock.fastForward(5_000);
await door.getByRole('button', { name: 'Lock' }).click();
await page.locator('#said').getByText('Whether the order arrived is not known').waitFor();
await page.clock.fastForward(5_000);
await lost.waitFor({ state: 'visible' });
await shows('Unlocked');
assert.deepEqual([sent.length, loads], [1, 0], 'an order is sent once, and the page never leaves');
between.comeBack();
await page.clock.fastForward(3_000);
await lost.waitFor({ state: 'hidden' });
await rest(`/smartlock/${smartlockId}/action/lock`, 'POST');
await shows('Locked');
assert.deepEqual([sent.length, loads], [1, 0]);

await done('Lock');

// An answer without our mark is not put into the page, whatever its status.
await page.route('**/order', (route) => route.fulfill({ status: 200, contentType: 'text/html', body: '<div id="main">Bad Gateway</div>' }));
await page.clock.fastForward(1_000);
await door.getByRole('button', { name: 'Unlock' }).click();
await page.locator('#said').getByText('Whether the order arrived is not known').waitFor();
await shows('Locked');
await browser.close();
between.pullOut();
