// Without JavaScript everything is a plain form: sign in, unlock, open in two steps, sign out.
import { assert, browser, open, signIn, tile, url } from './browser.mjs';

const page = await open({ javaScriptEnabled: false });
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
await page.goto(`${url}/settings/account`);
await page.getByRole('button', { name: 'Sign out' }).first().click();
await page.goto(`${url}/devices`);
assert.match(page.url(), /sign-in/);
await browser.close();
