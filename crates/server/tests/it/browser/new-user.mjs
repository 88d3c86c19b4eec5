// Somebody who has read the README and nothing else: from the link that the server printed to a lock that is operated from
// its tile, by each way, with a simulated lock for it in a process of its own. Every screen on the way is looked at, and
// going back or reading it again loses nothing.
import { spawn } from 'node:child_process';
import { assert, browser, fail, faults, open, ordersOf, SETTLES, sideways, tile } from './browser.mjs';

const scripted = process.env.SCRIPT !== 'off';
const widths = [360, 1440];
const page = await open({ javaScriptEnabled: scripted, bypassCSP: true, reducedMotion: 'reduce' });
const home = new URL(process.env.SET_UP).origin;
const orders = ordersOf(page);
const started = [];
process.on('exit', () => started.forEach((one) => one.kill()));

/** Waits; without a script the page is read again until it is so. */
async function until(what, fact) {
  for (const end = Date.now() + 40_000; !await fact(); ) {
    if (Date.now() > end) fail(`${page.url()} does not show ${what}: ${await page.locator('main').innerText()}`);
    if (!scripted) await page.reload();
    await page.waitForTimeout(100);
  }
}

/** Waits until all of these words can be read. */
async function shows(words, within = page.locator('body')) {
  for (const word of words) {
    await until(word, () => within.getByText(word).filter({ visible: true }).count());
  }
}

/** Gives an order, and once more what the page says was not taken or got no answer: so does a person at a busy machine. */
async function obeyed(button, words, within = page.locator('body')) {
  const readable = async (word) => await within.getByText(word).filter({ visible: true }).count() > 0;
  const done = async () => {
    for (const word of words) if (!await readable(word)) return false;
    return true;
  };
  let unanswered = false;
  for (let presses = 0; presses < 3; presses += 1) {
    // An answer may come after all, and takes the button away.
    await until('the button', async () => await done() || await button.count());
    await page.waitForTimeout(scripted ? SETTLES : 0);
    if (await done()) return;
    const before = orders.length;
    await button.click();
    const sent = () => orders.length > before;
    const refused = async () => !sent() && await page.getByText('This button has only just changed').count() > 0;
    // What an earlier order came to is not what this one does.
    if (unanswered) await until('the new order', async () => await refused() || !await readable(/no answer/i));
    await until(words, async () => await done() || await refused() || sent() && await readable(/no answer/i));
    if (await done()) return;
    if (!sent()) continue;
    assert.ok(!unanswered, 'two orders stayed without an answer');
    unanswered = true;
  }
  fail(`${page.url()}: three presses and no order is done: ${await page.locator('main').innerText()}`);
}

async function heading() {
  assert.equal(await page.locator('h1').filter({ visible: true }).count(), 1, `${page.url()}: one heading`);
  return page.locator('h1').innerText();
}

/** Looks at a screen: what it says, where the focus is, and whether anybody is shut out of it. */
async function screen(name, words, focus = 'body') {
  await shows(words);
  const said = await heading();
  const at = await page.evaluate(() => document.activeElement.id || document.activeElement.localName);
  assert.match(at, new RegExp(`^${focus}$`), `${name}: the focus`);
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    // The checker needs timers, which do not run without scripts; what it looks at is the same page.
    const found = scripted ? await faults(page, name) : await sideways(page, name);
    assert.deepEqual(found, []);
  }
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/${name.replaceAll(' ', '-')}.png`, fullPage: true });
  // Read again, or left and come back to, it is the same.
  await page.reload();
  await shows(words);
  assert.equal(await heading(), said, `${name}: read again`);
}

/** Leaves the screen by the browser's own button, and comes back to it. */
async function backAndForth(words, before) {
  const here = page.url();
  await page.goBack();
  await shows([before]);
  await page.goForward();
  assert.equal(page.url(), here);
  await shows(words);
}

/** Runs what a page says should be run, word for word, as quick and quiet as a test needs it. */
function run(command, input) {
  const [program, ...args] = command.split(' ');
  assert.equal(program, 'lockwarden');
  const child = spawn(process.env.LOCKWARDEN, [...args, '--quiet', '--speed', '20'], { stdio: ['pipe', 'pipe', 'pipe'] });
  started.push(child);
  child.said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (words) => { child.said += words; });
  child.stdin.end(input);
  return child;
}

const text = async (id) => (await page.locator(`#${id}`).textContent()).trim();
const press = (name) => page.getByRole('button', { name, exact: true }).filter({ visible: true }).click();
const follow = (name) => page.getByRole('link', { name }).filter({ visible: true }).first().click();

async function account() {
  await page.goto(home);
  await screen('nobody is there yet', ['Welcome to Lockwarden', 'one-time link']);
  await page.goto(process.env.SET_UP);
  await screen('the first account', ['Your name', 'At least'], 'name');
  await page.getByLabel('Your name').fill('Anna');
  await page.getByLabel('E-mail').fill('anna@example.org');
  await page.getByLabel('Password', { exact: true }).fill('seven green doors in a row');
  await press('Make the account');
  await screen('signing in', ['Sign in', 'E-mail'], 'email');
  await page.getByLabel('E-mail').fill('anna@example.org');
  await page.getByLabel('Password', { exact: true }).fill('seven green doors in a row');
  await press('Sign in');
  await screen('an empty list', ['No devices yet', 'Add device']);
}

/** Steps one and two of a device with a login: by which way, and how it is called. */
async function begin(way, name) {
  await page.goto(`${home}/devices`);
  await follow('Add device');
  await screen('which way', ['How is it reached?', 'The lock’s own MQTT', 'Nuki Hub', 'Nuki Bridge', 'No lock at hand?']);
  await follow(way);
  if (!name) return;
  await screen(`naming it, ${way}`, ['Add a device by', 'The next page shows'], 'name');
  await backAndForth(['The next page shows'], 'How is it reached?');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await press('Add device');
}

/** Steps four and five, and the tile. */
async function finish(name, found, focus) {
  await screen(`found, ${name}`, ['Found', 'Connected', ...found, 'Close the door and press Lock'], focus);
  const address = page.url();
  const lock = page.getByRole('button', { name: `Lock ${name}`, exact: true }).filter({ visible: true });
  await obeyed(lock, ['Where it belongs', /^Lock .*done/]);
  assert.equal(new URL(page.url()).pathname, new URL(address).pathname, 'the test is one of the steps');
  await screen(`tested, ${name}`, ['Where it belongs', 'Or a new group', 'Done'], scripted ? 'device-\\d+-state' : 'body');
  await page.getByLabel('Or a new group').fill(`House of ${name}`);
  await press('Done');
  await shows([name, 'Last orders']);
  await page.goto(`${home}/devices`);
  const door = tile(page, name);
  await door.getByText(`House of ${name}`).waitFor();
  for (const [order, state] of [['Unlock', 'Unlocked'], ['Lock', 'Locked']]) {
    // A button that has just come takes no press for a moment.
    const button = door.getByRole('button', { name: `${order} ${name}`, exact: true });
    await obeyed(button, [new RegExp(`^${state}$`), new RegExp(`^${order} .*done`)], door);
  }
}

async function byLogin(way, name, connector, found) {
  await begin(way, name);
  const words = ['What to type', 'Step by step', 'Waiting for the first connection', 'Port', 'User name', 'Password'];
  await screen(`what to type, ${way}`, words);
  const address = page.url();
  // It may be left and found again from the list.
  await follow('Go on later');
  await shows(['Waiting for the first connection']);
  await page.goto(`${home}/devices`);
  await tile(page, name).getByText('Not connected yet').waitFor();
  await tile(page, name).getByRole('link', { name: 'Connect it' }).click();
  assert.equal(new URL(page.url()).pathname, new URL(address).pathname);
  await shows(words);
  await page.getByText('Try with a simulated').click();
  const command = await text(`simulate-${connector}`);
  for (const id of ['mqtt-host', 'mqtt-port', 'mqtt-user']) assert.ok(command.includes(await text(id)), `${command}: ${id}`);
  const lock = run(command, `${await text('mqtt-password')}\n`);
  await shows(['Found']);
  assert.match(lock.said, /connected/);
  // What had the focus is gone with its step: it is on the page's main part, not lost.
  await finish(name, found, scripted ? 'main' : 'body');
}

async function byBridge() {
  await begin('Nuki Bridge');
  await screen('where the bridge is', ['Add a device by Nuki Bridge', 'The app shows the address and the token'], 'address');
  await page.getByText('Try with a simulated bridge').click();
  // Its port may be taken on this machine: any other does.
  const command = (await text('simulate-nuki-bridge')).replace(/:\d+$/, ':0');
  const bridge = run(command, '');
  const shown = () => ['Address', 'Token'].map((what) => new RegExp(`${what}\\s+(\\S+)`).exec(bridge.said)?.[1]);
  for (const end = Date.now() + 20_000; !shown()[1] && Date.now() < end; ) await page.waitForTimeout(50);
  const [address, token] = shown();
  await page.getByLabel('Address', { exact: true }).fill(address);
  await page.getByLabel('Token', { exact: true }).fill(token);
  await press('Ask the bridge');
  await screen('the bridge answers', ['Nuki Bridge', 'It answers', '1 device found.', 'Simulated lock']);
  await follow('Test it');
  // The firmware is told by a look that comes after the lock was found, and moves the buttons.
  await finish('Simulated lock', ['Nuki ID', '51A00003', '3.10.7']);
}

await account();
await byLogin('The lock’s own MQTT', 'Front door', 'nuki-mqtt', ['Simulated lock', 'Smart Lock 3', '51A00001', '3.10.7']);
await byLogin('Nuki Hub', 'Office', 'nuki-hub', ['51A00002']);
await byBridge();
await page.goto(`${home}/devices`);
await screen('the doors', ['Front door', 'Office', 'Simulated lock']);
await browser.close();
started.forEach((one) => one.kill());
