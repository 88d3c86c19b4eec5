// Without JavaScript everything is a plain form: set up, sign in, unlock, open in two steps, add and remove a device, make and
// revoke a token, change the password, sign out.
import { assert, browser, open, signIn, tile, url } from './browser.mjs';

const page = await open({ javaScriptEnabled: false });
await page.goto(process.env.SET_UP);
await page.getByLabel('Your name').fill('Bert');
await page.getByLabel('E-mail').fill('bert@example.org');
await page.getByLabel('Password', { exact: true }).fill('seven green doors in a row');
await page.getByRole('button', { name: 'Make the account' }).click();
assert.match(page.url(), /sign-in/, 'the first account is made');
await signIn(page);
const until = async (fact) => {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    await page.goto(`${url}/devices`);
    if (await fact()) return;
  }
  throw new Error('it did not happen');
};
const shows = (word) => () => tile(page, 'Front door').getByText(word, { exact: true }).count();
await until(shows('Locked'));
await tile(page, 'Front door').getByRole('button', { name: 'Unlock' }).click();
await until(shows('Unlocked'));
await until(() => tile(page, 'Front door').getByRole('button', { name: /Open/ }).count());
await tile(page, 'Front door').getByRole('button', { name: /Open/ }).click();
assert.equal(new URL(page.url()).pathname.endsWith('/order'), true, 'opening asks first');
await page.getByRole('button', { name: /open/i }).first().click();
// The latch falls back within moments; that it was pulled stays to be read.
await until(() => tile(page, 'Front door').getByText(/Open at .*done/).count());
await page.goto(`${url}/devices/new?way=nuki-mqtt`);
await page.getByLabel('Name').fill('Attic');
await page.getByRole('button', { name: 'Add device' }).click();
assert.match(await page.locator('#mqtt-password').textContent(), /^[a-z0-9]{24}$/, 'the password is there to be typed');
assert.equal(await page.getByText('Reload the page to see whether').isVisible(), true);
await page.getByRole('link', { name: /Remove/ }).click();
await page.getByLabel('Type its name').fill('Attic');
await page.getByRole('button', { name: 'Remove it' }).click();
assert.equal(await tile(page, 'Attic').count(), 0);

await page.goto(`${url}/settings/api-tokens`);
await page.getByLabel('What is it for?').fill('Home Assistant');
await page.getByLabel('See devices').check();
await page.getByRole('button', { name: 'Make the token' }).click();
assert.equal((await page.locator('#token').textContent()).trim().length, 80, 'the token is shown once');
await page.getByRole('link', { name: 'Revoke… Home Assistant' }).click();
await page.getByRole('button', { name: 'Revoke the token' }).click();
assert.equal(await page.getByText('Home Assistant', { exact: true }).count(), 0);

await page.goto(`${url}/settings/account`);
await page.getByLabel('Current password').fill(process.env.PASSWORD);
await page.getByLabel('New password').fill('a brand new set of words');
await page.getByRole('button', { name: 'Change the password' }).click();
await page.goto(`${url}/settings/account`);
await page.getByRole('button', { name: 'Sign out' }).first().click();
await page.goto(`${url}/devices`);
assert.match(page.url(), /sign-in/);
await signIn(page, undefined, 'a brand new set of words');
await browser.close();
