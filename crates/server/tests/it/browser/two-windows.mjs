// Two people look at the same doors. What one does, the other sees within a second; a lost stream says so and catches up.
import { assert, browser, open, proxy, rest, signIn, smartlock, tile } from './browser.mjs';

const cable = await proxy();
const anna = await open();
const boris = await open();
await signIn(anna);
await signIn(boris, undefined, undefined, cable.at);
const [mine, theirs] = [tile(anna, 'Front door'), tile(boris, 'Front door')];
await mine.getByText('Locked', { exact: true }).waitFor();
await theirs.getByText('Locked', { exact: true }).waitFor();
let reloads = 0;
boris.on('load', () => { reloads += 1; });
await mine.getByRole('button', { name: 'Unlock' }).click();
await mine.getByText('Unlocked', { exact: true }).waitFor();
await theirs.getByText('Unlocked', { exact: true }).waitFor({ timeout: 1_000 });
assert.equal(reloads, 0);

const { smartlockId } = await smartlock('Front door');
cable.pullOut();
await boris.locator('#lost').waitFor({ state: 'visible' });
await rest(`/smartlock/${smartlockId}/action/lock`, 'POST');
await mine.getByText('Locked', { exact: true }).waitFor();
assert.equal(await theirs.getByText('Unlocked', { exact: true }).count(), 1, 'what it shows is old, and it says so');
await cable.plugIn();
await theirs.getByText('Locked', { exact: true }).waitFor();
await boris.locator('#lost').waitFor({ state: 'hidden' });

await boris.goto(`${cable.at}/activity`);
await anna.bringToFront();
await mine.getByRole('button', { name: 'Unlock' }).click();
await boris.getByText('1 new entry', { exact: true }).waitFor();
// Once the page has read itself again, what was new is on it and counts no more.
cable.pullOut();
await boris.locator('#lost').waitFor({ state: 'visible' });
await cable.plugIn();
await boris.getByText('Anna unlocked Front door').first().waitFor();
await boris.locator('#lost').waitFor({ state: 'hidden' });
assert.equal(await boris.locator('#newer a').count(), 0);
await mine.getByText('Unlocked', { exact: true }).waitFor();
await mine.locator('.note').getByText('done').waitFor();
await rest(`/smartlock/${smartlockId}/action/lock`, 'POST');
await boris.getByText('1 new entry', { exact: true }).waitFor();
await browser.close();
cable.pullOut();
