// Every page in every state it can be in, narrow and wide, light and dark: axe-core finds nothing, and nothing needs
// sideways scrolling.
import { assert, browser, faults, open, signIn, tile, url } from './browser.mjs';

const found = [];
const looked = new Set();
const addresses = new Set();

/** Looks at the page as it is now. */
async function check(page, name) {
  looked.add(name);
  addresses.add(new URL(page.url()).pathname);
  found.push(...await faults(page, name));
}

async function look(page, path, landmark) {
  await page.goto(path.startsWith('http') ? path : `${url}${path}`);
  if (landmark) await page.locator(landmark).first().waitFor();
  await check(page, path.replace(/\d{4,}/g, 'id'));
}

/** A form sent with these fields, and what is said of them. */
async function refused(page, path, fields, button) {
  await page.goto(`${url}${path}`);
  for (const [label, text] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(text);
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.locator('[aria-invalid], [role=alert]:visible, .wrong').first().waitFor();
  // The page begins at what was wrong, and its title says so. The focus comes with the first frame, after the words.
  await page.waitForFunction(() => document.activeElement !== document.body);
  const { title, here, top, bottom, height } = await page.evaluate(() => {
    const { top, bottom } = document.activeElement.getBoundingClientRect();
    return { title: document.title, here: document.activeElement.outerHTML.slice(0, 80), top, bottom, height: innerHeight };
  });
  if (path !== '/sign-in') assert.match(title, /^Not (saved|removed): /, path);
  assert.match(here, /^<(input|fieldset)/, path);
  assert.ok(top >= 0 && bottom <= height, `${path}: the field is at ${top}–${bottom} of ${height}`);
  await check(page, `${path.replace(/\d{4,}/g, 'id')} refused`);
}

async function strangers(page) {
  const fresh = process.env.FRESH_URL;
  await look(page, `${fresh}/set-up`, 'text=one-time link');
  await look(page, process.env.SET_UP, '#password');
  await look(page, '/set-up/0', 'text=does not work any more');
  await look(page, '/sign-in', '#password');
  await refused(page, '/sign-in', { 'E-mail': 'nobody@example.org', Password: 'some other long password' }, 'Sign in');
}

async function devices(page) {
  for (const query of ['view=tiles', 'view=list', 'sort=added&view=tiles', 'show=offline', 'show=offline&view=list']) {
    await look(page, `/devices?${query}`, 'article.tile, tbody tr');
  }
  await look(page, '/devices?show=problem&view=tiles', 'text=No device matches.');
  await groups(page);
  await page.goto(`${url}/devices`);
  const door = tile(page, 'Front door');
  await door.getByRole('button', { name: 'Open…' }).click();
  await door.getByText('Really open?').waitFor();
  await check(page, 'an armed button');
  const [device, away] = await Promise.all([door, tile(page, 'Cellar')].map((one) => one.locator('h2 a').getAttribute('href')));
  await look(page, away, 'text=offline since');
  await look(page, device, '[value=unlock]');
  await settings(page, device);
  await look(page, `${device}/safety`, 'label.check');
  await look(page, '/attention', 'h1');
  await look(page, '/attention?group=none', '#attention');
  await look(page, '/settings/left-open', 'form.card');
  await refused(page, '/settings/left-open', { 'For how many minutes': '0' }, 'Save');
  await page.goto(url + device);
  await page.getByText('More ways').click();
  await check(page, 'more ways');
  for (const more of ['order?order=open', 'remove', 'revoke']) await look(page, `${device}/${more}`, 'form .sure');
  await refused(page, device, { Name: ' ' }, 'Save the name');
  await refused(page, `${device}/remove`, { 'Type its name': 'another' }, 'Remove it');
  await look(page, `/activity?device=${device.split('/').pop()}`, 'h1');
}

/** Groups, the list under their headings, and what is done with many devices at once. */
async function groups(page) {
  await look(page, '/groups', 'h1');
  const name = `Harbour street ${page.viewportSize().width}`;
  for (const [label, text] of [['Name', name]]) await page.getByLabel(label, { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Make the group' }).click();
  await page.getByText('The group is made.').waitFor();
  await check(page, 'a group that was just made');
  const path = await page.getByRole('link', { name: `Change ${name}` }).getAttribute('href');
  await look(page, path, 'form.card');
  await look(page, `${path}/delete`, 'form .sure');
  await refused(page, path, { Name: ' ' }, 'Save the name');
  await look(page, '/devices?select=yes&view=tiles', '.picks input');
  await page.locator('.picks input').first().check();
  await page.getByLabel('Group').last().selectOption(name);
  await check(page, 'devices that are chosen');
  await page.getByRole('button', { name: 'Put there…' }).click();
  await page.getByText('will be moved.').waitFor();
  await check(page, 'what would become of them');
  await page.locator('form .btn.main').click();
  await page.locator('#bulk-progress').getByText('Done: 1 device.').waitFor();
  await check(page, 'what became of them');
  await look(page, '/devices?select=yes&view=tiles', '.picks input');
  await page.locator('.picks input').first().check();
  await page.getByRole('button', { name: 'Change a setting…' }).click();
  await page.locator('#setting').selectOption('autoLock');
  await check(page, 'which setting is to be changed');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.locator('#autoLock').waitFor();
  await check(page, 'what the setting should be');
  await page.locator('#autoLock').selectOption('on');
  await page.getByRole('button', { name: 'See what would change…' }).click();
  await page.locator('#left-out').waitFor();
  await check(page, 'what the setting would change');
  await look(page, '/devices?by=group&view=tiles', '.of-group');
  await look(page, '/devices?by=group&view=list&wrong=any', '.of-group, #nothing');
  await page.locator('#filters summary').click();
  await check(page, 'more filters');
}

/** Settings and ways of a device: without a hub, and with one that has yet to come. */
async function settings(page, device) {
  await look(page, `${device}/settings`, 'text=a Nuki Hub would');
  await page.goto(url + device);
  await page.getByText('Add another way').click();
  await page.getByRole('button', { name: 'Add it beside' }).click();
  await page.locator('#nuki-hub-password').waitFor();
  await check(page, 'a way that was just added');
  await look(page, `${device}/settings`, 'text=The hub is away');
  await page.locator('main details summary').first().click();
  await check(page, 'settings that nothing is known of');
  await leaving(page);
  if (page.viewportSize().width > 768) await following(page, `${url}${device}/settings`);
  await look(page, `${device}/add`, 'text=Test it');
  await refused(page, `${device}/add`, { 'Or a new group': 'x'.repeat(65) }, 'Done');
  await look(page, `${device}/way?do=remove&way=nuki-hub`, 'form .sure');
  await page.getByRole('button', { name: 'Remove this way' }).click();
  await page.getByText('The way is removed.').waitFor();
}

/** What was filled in and not saved is asked about before it is left, and saved it is not. */
async function leaving(page) {
  const asked = [];
  const answer = (dialog) => (asked.push(dialog.type()), asked.length === 1 ? dialog.dismiss() : dialog.accept());
  page.on('dialog', answer);
  const field = page.getByLabel('Name on the device').first();
  await field.fill('Another name');
  const leave = page.getByRole('link', { name: /^Activity/ }).filter({ visible: true }).first();
  await leave.click({ noWaitAfter: true });
  await page.waitForTimeout(300);
  assert.deepEqual([asked, await field.inputValue()], [['beforeunload'], 'Another name']);
  // Whoever stays when another section was to be saved, can save it after all: it is asked for again.
  asked.pop();
  const other = page.locator('form[data-keep]').nth(1).getByRole('button', { name: /^Save/ });
  for (let press = 1; press <= 2; press += 1) {
    await other.click({ noWaitAfter: true });
    await page.waitForTimeout(300);
    if (press === 1) assert.equal(asked.shift(), 'beforeunload');
  }
  assert.deepEqual(asked, ['beforeunload']);
  await page.goto(`${url}/activity`);
  await page.goBack();
  page.off('dialog', answer);
  await leavingRefused(page);
}

/** What was refused is asked about, too, though nobody filled in anything since; what is as it was again is not. */
async function leavingRefused(page) {
  const [asked, path] = [[], page.url()];
  const stay = (dialog) => (asked.push(dialog.type()), dialog.dismiss());
  page.on('dialog', stay);
  await page.goto(path);
  const field = page.getByLabel('Name on the device').first();
  const leave = page.getByRole('link', { name: /^Activity/ }).filter({ visible: true }).first();
  const was = await field.inputValue();
  await field.fill('x'.repeat(99));
  await field.press('Enter');
  await page.locator('[aria-invalid]').waitFor();
  await leave.click({ noWaitAfter: true });
  await page.waitForTimeout(300);
  assert.deepEqual([asked, await field.inputValue()], [['beforeunload'], 'x'.repeat(99)]);
  // Nor is it lost when the page reads itself again.
  const read = page.waitForResponse((answer) => answer.url() === path);
  await page.evaluate(() => document.activeElement.blur());
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await (await read).finished();
  await page.waitForTimeout(300);
  assert.equal(await field.inputValue(), 'x'.repeat(99));
  await field.fill(was);
  await leave.click();
  await page.waitForURL(/activity/);
  assert.deepEqual(asked, ['beforeunload']);
  page.off('dialog', stay);
}

/** What was filled in and taken back is what somebody else saved meanwhile, also in the field with the focus: saving it would
 * overrule them without a word. */
async function following(page, path) {
  const save = async (window, id) => {
    await window.locator('form[data-keep]', { has: window.locator(id) }).getByRole('button', { name: /^Save/ }).click();
    await window.getByText('Saved. What is not').waitFor();
  };
  await page.goto(path);
  await page.locator('#unlatchDuration').selectOption('3');
  await page.locator('#autoUnlatch').selectOption('on');
  await save(page, '#autoUnlatch');
  await page.locator('#name').fill('Door');
  await save(page, '#name');
  await page.goto(path);
  for (const chosen of ['7', '3']) await page.locator('#unlatchDuration').selectOption(chosen);
  await page.locator('#autoUnlatch').uncheck();
  await page.locator('#autoUnlatch').check();
  for (const typed of ['Gate', 'Door']) await page.locator('#name').fill(typed);
  const other = await page.context().newPage();
  await other.goto(path);
  await other.locator('#unlatchDuration').selectOption('7');
  await other.locator('#autoUnlatch').uncheck();
  await save(other, '#autoUnlatch');
  await other.locator('#name').fill('Arch');
  await save(other, '#name');
  await other.close();
  const read = page.waitForResponse((answer) => answer.url() === path);
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await (await read).finished();
  await page.locator('[name=seen-name][value="=Arch"]').waitFor({ state: 'attached' });
  const shown = () => page.evaluate(() => {
    const field = (id) => document.getElementById(id);
    return [document.activeElement.id, field('name').value, field('unlatchDuration').value, field('autoUnlatch').checked];
  });
  assert.deepEqual(await shown(), ['name', 'Arch', '7', false]);
}

/** A bridge that is not there. */
async function bridge(page) {
  const form = '/devices/new?way=nuki-bridge';
  await look(page, form, 'form.card');
  await refused(page, form, { Address: 'https://nowhere', Token: 'abc123' }, 'Ask the bridge');
  await page.goto(url + form);
  await page.getByLabel('Address', { exact: true }).fill('127.0.0.1:1');
  await page.getByLabel('Token', { exact: true }).fill('abc123');
  await page.getByRole('button', { name: 'Ask the bridge' }).click();
  await page.getByText('It cannot be used yet.').waitFor();
  await check(page, 'a bridge that cannot be used');
  const path = new URL(page.url()).pathname;
  await look(page, '/devices?view=tiles', 'text=cannot be used yet: ');
  await look(page, '/attention', 'text=A bridge cannot be used yet');
  await refused(page, `${path}/change`, { Address: 'https://nowhere', Token: 'abc123' }, 'Ask the bridge');
  await look(page, `${path}/remove`, 'form .sure');
  await page.getByRole('button', { name: 'Remove the bridge' }).click();
  await page.getByText('The bridge is removed.').waitFor();
}

async function newDevice(page) {
  await look(page, '/devices/new', '.choice');
  for (const way of ['nuki-mqtt', 'nuki-hub']) {
    await look(page, `/devices/new?way=${way}`, 'form.card');
    await refused(page, `/devices/new?way=${way}`, { Name: 'x'.repeat(65) }, 'Add device');
  }
  await bridge(page);
  await page.goto(`${url}/devices/new?way=nuki-mqtt`);
  await page.getByLabel('Name').fill('Attic');
  await page.getByRole('button', { name: 'Add device' }).click();
  await page.locator('#mqtt-password').waitFor();
  await check(page, 'a password that was just made');
  const path = new URL(page.url()).pathname.replace('/add', '');
  await look(page, path, 'text=Waiting for the first connection');
  await look(page, `/activity?device=${path.split('/').pop()}`, 'text=Nothing yet at this device');
  await page.goto(`${url}${path}/remove`);
  await page.getByLabel('Type its name').fill('Attic');
  await page.getByRole('button', { name: 'Remove it' }).click();
  await page.getByText('The device is removed.').waitFor();
  await check(page, 'something that was done');
}

async function tokens(page) {
  const path = '/settings/api-tokens';
  await refused(page, path, { 'What is it for?': 'Home Assistant' }, 'Make the token');
  await page.getByLabel('See devices').check();
  await page.getByRole('button', { name: 'Make the token' }).click();
  await page.locator('#token').waitFor();
  await check(page, 'a token that was just made');
  await page.getByRole('link', { name: 'Revoke… Home Assistant' }).click();
  await page.getByText('Revoke Home Assistant?').waitFor();
  await check(page, 'revoking a token');
  await page.getByRole('button', { name: 'Revoke the token' }).click();
  await look(page, path, 'form.card');
}

for (const width of [360, 1440]) {
  // The checker is injected, which the pages' own policy rightly forbids.
  const page = await open({ viewport: { width, height: 900 }, bypassCSP: true, reducedMotion: 'reduce' });
  await strangers(page);
  await signIn(page);
  await devices(page);
  await newDevice(page);
  await look(page, '/activity', 'li.ev');
  await look(page, '/activity?before=1.1', 'text=Nothing older');
  await look(page, '/settings/account', 'form.card');
  const wrong = { 'Current password': 'not it at all, really', 'New password': 'a brand new set of words' };
  await refused(page, '/settings/account', wrong, 'Change the password');
  await tokens(page);
  await look(page, '/no-such-page', 'text=There is nothing here');
  await page.context().close();
}
assert.deepEqual(found, []);
for (const route of process.env.PAGES.split(' ')) {
  const shape = new RegExp(`^${route.replace(/\{\w+\}/g, '[^/]+')}$`);
  assert.ok([...addresses].some((address) => shape.test(address)), `nobody looked at ${route}`);
}
assert.ok(looked.size > 30, [...looked].join('\n'));
await browser.close();
