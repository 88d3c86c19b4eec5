// From the set-up link to an opened door in the log, as somebody who has never seen it.
import { spawn } from 'node:child_process';
import { assert, browser, open, signIn, tile, url } from './browser.mjs';

const page = await open();
await page.goto(url);
await page.getByText('link', { exact: false }).first().waitFor();
await page.goto(process.env.SET_UP);
await page.getByLabel('Your name').fill('Anna');
await page.getByLabel('E-mail').fill('anna@example.org');
await page.getByLabel('Password', { exact: true }).fill('short');
await page.getByRole('button', { name: 'Make the account' }).click();
const tooShort = await page.getByLabel('Password', { exact: true }).evaluate((input) => input.validity.tooShort);
assert.equal(tooShort, true, 'the browser says so before anything is sent, and what was typed stays');
await page.getByLabel('Password', { exact: true }).fill('passwordpassword');
await page.getByRole('button', { name: 'Make the account' }).click();
await page.locator('#password-wrong').waitFor();
assert.match(await page.locator('#password-wrong').textContent(), /tried first/);
assert.equal(await page.evaluate(() => document.activeElement.id), 'password', 'the page begins at what was wrong');
assert.equal(await page.getByLabel('Password', { exact: true }).getAttribute('aria-invalid'), 'true');
assert.equal(await page.getByLabel('E-mail').getAttribute('aria-invalid'), null);
assert.equal(await page.getByLabel('E-mail').inputValue(), 'anna@example.org', 'what was typed is still there');
// It may be pasted, and looked at.
const shown = page.getByLabel('Password', { exact: true });
await page.getByLabel('Your name').fill('seven green doors in a row');
await page.getByLabel('Your name').press('Control+a');
await page.getByLabel('Your name').press('Control+c');
await page.getByLabel('Your name').fill('Anna');
await shown.fill('');
await shown.press('Control+v');
assert.equal(await shown.getAttribute('type'), 'password');
await page.getByRole('button', { name: 'Show Password' }).click();
assert.equal(await shown.getAttribute('type'), 'text');
assert.equal(await shown.inputValue(), 'seven green doors in a row');
await page.getByRole('button', { name: 'Hide Password' }).click();
assert.equal(await shown.getAttribute('type'), 'password');
await page.getByRole('button', { name: 'Make the account' }).click();
await page.waitForURL(/sign-in/);
const again = await page.request.get(process.env.SET_UP);
assert.equal(again.status(), 404, 'the link works once');

await signIn(page, 'anna@example.org', 'seven green doors in a row');
await page.getByRole('link', { name: 'Add' }).first().click();
await page.getByRole('link', { name: 'The lock’s own MQTT' }).click();
await page.getByLabel('Name', { exact: false }).first().fill('Front door');
await page.getByRole('button', { name: 'Add' }).click();
await page.getByText('Waiting for the first connection').waitFor();
const typed = async (id) => (await page.locator(`#${id}`).textContent()).trim();
const [host, port, user, secret] = await Promise.all(['mqtt-host', 'mqtt-port', 'mqtt-user', 'mqtt-password'].map(typed));
const lock = spawn(process.env.LOCKWARDEN, ['simulate', '--broker', `${host}:${port}`, '--username', user, '--password-stdin',
  '--quiet', '--speed', '20'], { stdio: ['pipe', 'inherit', 'inherit'] });
lock.stdin.end(secret);
await page.getByText('Connected', { exact: true }).waitFor();

await page.getByRole('link', { name: 'Devices', exact: true }).first().click();
const door = tile(page, 'Front door');
await door.getByText('Locked', { exact: true }).waitFor();
await door.getByRole('button', { name: 'Unlock' }).click();
await door.getByText('Unlocked', { exact: true }).waitFor();
await door.getByText(/Unlock at .*done/).waitFor();
await page.getByRole('link', { name: 'Activity log' }).first().click();
await page.getByText('Anna unlocked Front door').waitFor();
lock.kill('SIGTERM');
await page.getByRole('link', { name: 'Devices', exact: true }).first().click();
await tile(page, 'Front door').getByText('Unknown').waitFor();
await browser.close();
