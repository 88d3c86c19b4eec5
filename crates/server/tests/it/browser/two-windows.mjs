// Two people look at the same doors. What one does, the other sees within a second; a lost stream says so and catches up.
import net from 'node:net';
import { assert, browser, open, signIn, tile, token, url } from './browser.mjs';

// The cable to one of the windows, to be pulled out.
const cable = new Set();
const socket = net.createServer((near) => {
  const far = net.connect(new URL(url).port, new URL(url).hostname);
  for (const [one, other] of [[near, far], [far, near]]) {
    cable.add(one);
    one.pipe(other);
    one.on('error', () => {});
    one.on('close', () => { cable.delete(one); other.destroy(); });
  }
});
const plugIn = (port = 0) => new Promise((done) => { socket.listen(port, '127.0.0.1', () => done(socket.address().port)); });
const pullOut = () => { socket.close(); cable.forEach((end) => end.destroy()); };
const port = await plugIn();

const anna = await open();
const boris = await open();
await signIn(anna);
await signIn(boris, undefined, undefined, `http://127.0.0.1:${port}`);
const [mine, theirs] = [tile(anna, 'Front door'), tile(boris, 'Front door')];
await mine.getByText('Locked', { exact: true }).waitFor();
await theirs.getByText('Locked', { exact: true }).waitFor();
let reloads = 0;
boris.on('load', () => { reloads += 1; });
await mine.getByRole('button', { name: 'Unlock' }).click();
await mine.getByText('Unlocked', { exact: true }).waitFor();
await theirs.getByText('Unlocked', { exact: true }).waitFor({ timeout: 1_000 });
assert.equal(reloads, 0);

const locks = await (await fetch(`${url}/api/smartlock`, { headers: { authorization: `Bearer ${token}` } })).json();
const { smartlockId } = locks.find((lock) => lock.name === 'Front door');
pullOut();
await boris.locator('#lost').waitFor({ state: 'visible' });
const answer = await fetch(`${url}/api/smartlock/${smartlockId}/action/lock`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
assert.equal(answer.status, 204);
await mine.getByText('Locked', { exact: true }).waitFor();
assert.equal(await theirs.getByText('Unlocked', { exact: true }).count(), 1, 'what it shows is old, and it says so');
await plugIn(port);
await theirs.getByText('Locked', { exact: true }).waitFor();
await boris.locator('#lost').waitFor({ state: 'hidden' });

await boris.goto(`http://127.0.0.1:${port}/activity`);
await anna.bringToFront();
await mine.getByRole('button', { name: 'Unlock' }).click();
await boris.getByText(/\d+ new/).waitFor();
await browser.close();
pullOut();
