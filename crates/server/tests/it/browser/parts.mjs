// Parts that arrive while somebody is at work: what stays keeps the focus, the question and what was folded out; what goes
// hands the focus to the state, never to another button; and whoever meant the old button does not press the new one.
import { assert, browser, open, ordersOf, signIn, tile, url } from './browser.mjs';

const page = await open();
// The stream is ours, so that a part arrives exactly when it hurts.
await page.addInitScript(() => {
  globalThis.EventSource = class extends EventTarget {
    constructor() { super(); globalThis.stream = this; }
    close() {}
  };
  globalThis.arrive = (card, change) => {
    const part = card.cloneNode(true);
    part.querySelectorAll('[data-armed]').forEach((button) => { delete button.dataset.armed; button.textContent = 'Open…'; });
    change(part);
    globalThis.stream.dispatchEvent(new MessageEvent('parts', { data: part.outerHTML }));
  };
  globalThis.withNotes = (part) => {
    part.querySelector('.note, .chips')?.remove();
    const acts = part.querySelector('.acts');
    acts.insertAdjacentHTML('beforebegin', `<p class="note" id="${part.id}-note">news</p><div class="chips" id="${part.id}-chips">chip</div>`);
  };
  globalThis.withoutNotes = (part) => part.querySelectorAll('.note, .chips').forEach((one) => one.remove());
  globalThis.withChip = (part) => {
    part.querySelector('.chips').innerHTML = '<span class="chip">Battery 20 %</span>';
  };
  globalThis.withMany = (part) => {
    part.querySelector('.acts').insertAdjacentHTML('beforebegin', '<p class="note">news</p>'.repeat(8));
  };
  globalThis.turned = (part) => {
    const button = part.querySelector('[value=unlock]');
    button.id = button.id.replace('unlock', 'lock');
    button.value = 'lock';
  };
});
await signIn(page);
const sent = ordersOf(page);
const door = tile(page, 'Front door');
const arrive = (change) => door.evaluate((card, name) => globalThis.arrive(card, globalThis[name]), change);
const focus = () => page.evaluate(() => document.activeElement.id.replace(/^device-\d+-?/, ''));

await door.getByRole('button', { name: 'Unlock' }).focus();
for (const change of ['withNotes', 'withoutNotes', 'withNotes']) {
  await arrive(change);
  assert.equal(await focus(), 'unlock', change);
}
await door.getByRole('button', { name: 'Open…' }).focus();
await page.keyboard.press('Enter');
await door.getByText('Really open?').waitFor();
for (const change of ['withoutNotes', 'withNotes']) {
  await arrive(change);
  assert.equal(await focus(), 'open', change);
  assert.equal(await door.getByText('Really open?').count(), 1, 'the question stays as long as its button');
}
await arrive('turned');
assert.equal(await focus(), 'open');

await page.reload();
await door.getByRole('button', { name: 'Unlock' }).focus();
// At once, as a finger would that was on its way: what goes through this script takes too long on a busy machine.
await door.evaluate(async (card) => {
  globalThis.arrive(card, globalThis.turned);
  while (!card.querySelector('[value=lock]')) await new Promise(requestAnimationFrame);
  card.querySelector('[value=lock]').click();
});
assert.equal(await focus(), 'state', 'not on the button that does the opposite');
const lock = door.locator('[value=lock]');
await page.waitForTimeout(300);
assert.equal(sent.length, 0, 'a tap on what was another button a moment ago');
await page.waitForTimeout(400);
await lock.evaluate((button) => button.click());
await page.waitForFunction(() => document.querySelector('.waiting'));
assert.deepEqual(sent.map((order) => order.get('order')), ['lock']);

// A button that has moved is not the one that somebody was about to press where it is now.
await page.reload();
sent.length = 0;
const office = page.locator('article.tile', { hasText: 'Müller' });
const arriveAtOffice = (change) => office.evaluate((card, name) => globalThis.arrive(card, globalThis[name]), change);
const unlock = office.locator('[value=unlock]');
const at = async (one) => (await one.boundingBox()).y;
const was = await at(unlock);
assert.equal(await office.locator('.chip').count(), 0);
await arriveAtOffice('withChip');
assert.equal(await office.locator('.chip').count(), 1);
assert.equal(await at(unlock), was, 'there was room for it');
const moved = await office.evaluate(async (card) => {
  const button = card.querySelector('[value=unlock]');
  const before = button.getBoundingClientRect().top;
  globalThis.arrive(card, globalThis.withMany);
  while (card.querySelectorAll('.note').length < 8) await new Promise(requestAnimationFrame);
  button.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
  button.click();
  return button.getBoundingClientRect().top - before;
});
assert.ok(moved > 44, `it moved: ${moved}`);
const press = async () => {
  const { x, y } = await unlock.boundingBox();
  await page.mouse.click(x + 9, y + 9);
};
await page.waitForTimeout(300);
assert.equal(sent.length, 0, 'a press where something else was a moment ago');
await page.waitForTimeout(400);
// A server that is not reached is said to be so, until it is put away.
await page.route('**/order', (route) => route.abort(), { times: 1 });
await press();
await page.locator('#said .bad').waitFor();
await page.getByRole('button', { name: 'Put this message away' }).click();
assert.equal(await page.locator('#said').innerHTML(), '');
assert.equal(await page.evaluate(() => document.activeElement.id), 'main');

// Many parts at once cost a look at where the buttons are before and after those of one frame, and not of each part: that
// would be a hundred.
const looks = await office.evaluate(async (card) => {
  const { getBoundingClientRect } = Element.prototype;
  let looks = 0;
  Element.prototype.getBoundingClientRect = function count() { looks += 1; return getBoundingClientRect.call(this); };
  for (let times = 0; times < 50; times += 1) globalThis.arrive(card, globalThis.withChip);
  await new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); });
  Element.prototype.getBoundingClientRect = getBoundingClientRect;
  return looks / document.querySelectorAll('form[data-live] button').length;
});
assert.ok(looks >= 2 && looks < 25, `${looks} looks at each button`);

// An answer is newer than what came before it, also where that has not found the time to be put in its place yet.
await page.reload();
const state = await door.evaluate(async (card) => {
  const answer = card.cloneNode(true);
  answer.querySelector('.state').textContent = 'Sent, waiting';
  globalThis.fetch = async () => ({ headers: new Headers({ 'lockwarden-parts': '1' }), text: async () => answer.outerHTML });
  for (let times = 0; times < 9; times += 1) globalThis.arrive(card, () => {});
  card.querySelector('form[data-live] button:not([data-twice])').click();
  await new Promise((done) => { setTimeout(done, 100); });
  return document.getElementById(card.id).querySelector('.state').textContent;
});
assert.equal(state, 'Sent, waiting');

// An answer that took longer than the stream, which told meanwhile that it is done, does not bring back what was.
await page.reload();
const late = await door.evaluate(async (card) => {
  const answer = card.cloneNode(true);
  answer.querySelector('.state').textContent = 'Sent, waiting';
  const part = (words) => (fresh) => { fresh.querySelector('.state').textContent = words; };
  const told = Promise.withResolvers();
  globalThis.fetch = async () => ({ headers: new Headers({ 'lockwarden-parts': '1' }), text: () => told.promise });
  card.querySelector('form[data-live] button:not([data-twice])').click();
  globalThis.arrive(card, part('Done meanwhile'));
  await new Promise((done) => { setTimeout(done, 100); });
  told.resolve(answer.outerHTML);
  await new Promise((done) => { setTimeout(done, 100); });
  return document.getElementById(card.id).querySelector('.state').textContent;
});
assert.equal(late, 'Done meanwhile');
await page.reload();

// What is counted above the doors does not push them about.
for (const width of [1280, 1440, 360]) {
  await page.setViewportSize({ width, height: 900 });
  const before = await at(unlock);
  await page.evaluate(() => {
    const counts = document.getElementById('counts').cloneNode(true);
    counts.insertAdjacentHTML('beforeend', '<a class="chipf" href="/">100 with something new</a>'.repeat(9));
    globalThis.stream.dispatchEvent(new MessageEvent('parts', { data: counts.outerHTML }));
  });
  assert.equal(await page.locator('#counts .chipf', { hasText: 'new' }).count() > 8, true);
  assert.equal(await at(unlock), before, `at ${width} px`);
}
await page.setViewportSize({ width: 1280, height: 900 });

await page.goto(url + await office.locator('h2 a').getAttribute('href'));
const head = page.locator('section.head');
await head.getByText('More ways').click();
for (const change of ['withNotes', 'withoutNotes']) {
  await head.evaluate((card, name) => globalThis.arrive(card, globalThis[name]), change);
  assert.equal(await head.locator('details').evaluate((one) => one.open), true, change);
}

// An ordinary form, twice in one breath.
let made = 0;
await page.route('**/devices/new', async (route) => {
  if (route.request().method() === 'POST') {
    made += 1;
    await new Promise((done) => { setTimeout(done, 300); });
  }
  await route.continue();
});
await page.goto(`${url}/devices/new?way=nuki-mqtt`);
await page.getByLabel('Name').fill('Attic');
await page.getByRole('button', { name: 'Add device' }).dblclick();
await page.waitForURL(/#connect/);
assert.equal(made, 1);
await page.goto(`${url}/devices`);
assert.equal(await page.getByRole('link', { name: 'Attic', exact: true }).count(), 1);
await browser.close();
