// Drives the operations of this server through the npm package nuki-web-api, as its users would.
'use strict';
const assert = require('node:assert');
const Nuki = require('nuki-web-api');

const nuki = new Nuki(process.env.TOKEN, { url: process.env.BASE_URL });

async function waitFor(what, fact) {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = await fact();
    if (found) return found;
    await new Promise((done) => { setTimeout(done, 25); });
  }
  throw new Error(`not within 15 s: ${what}`);
}

(async () => {
  const account = await nuki.getAccount();
  assert.strictEqual(account.email, 'anna@example.org');
  const [lock] = await waitFor('a state', async () => {
    const locks = await nuki.getSmartlocks();
    return locks.length === 1 && locks[0].state ? locks : null;
  });
  assert.strictEqual(lock.name, 'Front door');
  const id = lock.smartlockId;
  const isIn = (state) => async () => (await nuki.getSmartlock(id)).state.state === state;
  await nuki.setAction(id, 1);
  await waitFor('unlocked', isIn(3));
  await nuki.setAction(id, 2);
  await waitFor('locked', isIn(1));
  const entries = await waitFor('two entries', async () => {
    const found = await nuki.getSmartlockLogs(id, { limit: 1000 });
    return found.length === 2 ? found : null;
  });
  assert.deepStrictEqual(entries.map((entry) => entry.action), [2, 1]);
})().catch((error) => { console.error(error); process.exit(1); });
