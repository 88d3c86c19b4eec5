// Lockwarden in the browser: forms that are answered in parts, one stream of live parts, and a few small elements.
// Everything works without it; with it nothing has to be reloaded. Nothing here knows anything of locks.

document.documentElement.classList.add("js");
const byId = (id) => document.getElementById(id);
const say = (words) => (byId("announce").textContent = words);
const lost = (yes) => (byId("lost").hidden = !yes);

// Whoever was about to press where another button was did not mean the one that moved there. Buttons are 8 px apart.
// All parts that come between two frames are one move: where buttons are is dear to ask for in between. Only those that can
// be seen are asked: the others may not even be laid out.
let places;

// Cards follow each other down the page.
function cardsInSight() {
  const cards = [...document.querySelectorAll("article, tbody tr, section.head")];
  const rect = (at) => cards[at].getBoundingClientRect();
  let [first, end] = [0, cards.length];
  while (first < end) {
    const middle = (first + end) >> 1;
    if (rect(middle).bottom < 0) first = middle + 1;
    else end = middle;
  }
  while (end < cards.length && rect(end).top < innerHeight) end += 1;
  return cards.slice(first, end);
}

function beforeMoves() {
  if (places) return;
  const buttons = cardsInSight().flatMap((card) => [...card.querySelectorAll("form[data-live] button")]);
  places = buttons.map((button) => [button, button.getBoundingClientRect()]);
  requestAnimationFrame(afterMoves);
}

function afterMoves() {
  for (const [button, was] of places ?? []) {
    const now = button.getBoundingClientRect();
    if (Math.abs(now.top - was.top) > 8 || Math.abs(now.left - was.left) > 8) button.moved = performance.now();
  }
  places = null;
}

// Puts fresh parts where parts with the same id are, and leaves alone what somebody is working with.
function patch(html, only, { at, since } = {}) {
  beforeMoves();
  const box = document.createElement("template");
  box.innerHTML = html;
  const home = document.activeElement.closest("article, tr, section")?.id;
  for (const fresh of only ? [box.content.getElementById(only)] : [...box.content.children]) {
    for (const button of fresh.querySelectorAll("button")) button.born = performance.now();
    const old = fresh.id && byId(fresh.id);
    // What the stream told after an order was sent may be newer than its answer; if not, what is newer is on its way.
    if (!old || old.told > since) continue;
    morph(old, fresh);
    if (at) byId(fresh.id).told = at;
  }
  // The button that was pressed is gone: the state tells what became of it. Another button may be the opposite one.
  const rest = (home && byId(home)?.querySelector(".state")) || byId("main");
  if (home && document.activeElement === document.body) rest.focus({ preventScroll: true });
  tickAll();
}

function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id ?? "") !== (fresh.id ?? "")) {
    old.replaceWith(fresh);
  } else if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else if (!old.dataset.armed && !unsaved(old) && !(old === document.activeElement && old.matches("input, select, textarea") && !old.closest("[data-keep]"))) {
    // What somebody folded out stays so.
    if (old.nodeName !== "DETAILS") {
      for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
      for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    // An element that writes its own text keeps it.
    if (old.nodeName !== "TIME-AGO") children(old, fresh);
    // What was filled in and taken back is not what is saved now.
    if (old.matches("[data-keep]")) old.reset();
  }
}

function children(old, fresh) {
  // What goes, goes first: then what stays need not be moved, which would take the focus from it.
  const stays = new Set([...fresh.children].map((one) => one.id));
  for (const one of [...old.children]) if (one.id && !stays.has(one.id)) one.remove();
  const known = new Map([...old.children].map((one) => [one.id, one]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = child.id && known.get(child.id);
    if (same && same !== place) old.insertBefore(same, place);
    const match = same || place;
    if (match && (same || !(match.id || child.id) || match.id === child.id)) {
      place = match.nextSibling;
      morph(match, child);
    } else {
      old.insertBefore(child, place);
    }
  }
  for (let left; (left = place); left.remove()) place = place.nextSibling;
}

// Reads the page again, for whatever the stream could not tell. What is no page of ours, as a proxy's error, is an error.
async function refresh() {
  const answer = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
  if (answer.redirected || answer.status === 401 || answer.status === 404) return location.reload();
  if (!answer.ok) throw new Error(answer.statusText);
  patch(await answer.text(), "main");
}

// A button that asks once more: the first press makes it a question. A double click or a key held down is one press.
function arm(button) {
  const words = button.innerHTML;
  button.dataset.armed = performance.now();
  button.textContent = button.dataset.twice;
  say(`${button.dataset.twice} Press again within five seconds.`);
  button.disarm = () => {
    clearTimeout(timer);
    delete button.dataset.armed;
    button.innerHTML = words;
  };
  const timer = setTimeout(button.disarm, 5000);
}

let pointing = false;
document.addEventListener("pointerdown", () => (pointing = true), true);
document.addEventListener("keydown", (event) => {
  pointing = false;
  if (event.repeat && event.target.closest?.("form[data-live] button")) event.preventDefault();
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  // Whoever meant the button that was here a moment ago did not mean this one.
  afterMoves();
  const fresh = (since) => performance.now() - since < 600;
  const early = fresh(button?.born) || (pointing && fresh(button?.moved));
  if (early) {
    button.animate({ opacity: [0.3, 1] }, 600);
    say("This button has only just changed. Press it again if you mean it.");
  }
  if (early || form.busy) return event.preventDefault();
  const armed = button?.dataset.armed;
  if (button?.dataset.twice && !(performance.now() - armed > 500)) {
    event.preventDefault();
    return armed || arm(button);
  }
  form.busy = true;
  if (!form.hasAttribute("data-live")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, button));
  if (armed) {
    body.set("sure", "yes");
    button.disarm();
  }
  const since = performance.now();
  const sent = { method: "POST", body, headers: { "lockwarden-parts": "1" }, signal: AbortSignal.timeout(15000) };
  try {
    const answer = await fetch(form.getAttribute("action"), sent);
    if (answer.redirected) location.assign(answer.url);
    else if (answer.status === 401) location.reload();
    else if (answer.headers.has("lockwarden-parts")) {
      const fresh = await answer.text();
      // What came before it is older.
      while (pieces.length) next();
      patch(fresh, null, { since });
    }
    else throw new Error(answer.statusText);
  } catch {
    patch(byId("unsure").innerHTML);
  }
  form.busy = false;
});

// A page that the browser kept and shows again can be used again.
const free = () => [...document.forms].forEach((form) => (form.busy = false));
addEventListener("pageshow", free);

// A long form is not left by mistake with what was filled in and not saved, nor with what was refused.
const differs = ({ type, checked, value, dataset }) => dataset.saved !== (type === "checkbox" && !checked ? "" : value);
const unsaved = (form) => form.matches("[data-keep]") && [...form.querySelectorAll("[data-saved]")].some(differs);
addEventListener("beforeunload", (event) => {
  if (![...document.forms].some((form) => !form.busy && unsaved(form))) return;
  event.preventDefault();
  // Whoever stays can save after all.
  setTimeout(free);
});

document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") for (const button of document.querySelectorAll("[data-armed]")) button.disarm();
});

document.addEventListener("click", ({ target }) => {
  if (!target.closest("[data-close]")) return;
  target.closest("#said").replaceChildren();
  byId("main").focus({ preventScroll: true });
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy], [data-show]");
  if (!button) return;
  const subject = byId(button.dataset.copy ?? button.dataset.show);
  const words = button.querySelector("span");
  if (button.dataset.show) {
    subject.type = subject.type === "password" ? "text" : "password";
    words.textContent = subject.type === "password" ? "Show" : "Hide";
  } else {
    // Without a secure context there is no clipboard to write to: mark the text, so that it can be copied by hand.
    const done = await navigator.clipboard?.writeText(subject.textContent).then(() => true, () => false);
    if (!done) getSelection().selectAllChildren(subject);
    say((words.textContent = done ? "Copied" : "Marked"));
    setTimeout(() => (words.textContent = "Copy"), 2000);
  }
});

// A length of time that goes on counting. It counts from when it came, so the two clocks need not agree.
customElements.define("time-ago", class extends HTMLElement {
  static observedAttributes = ["age"];
  attributeChangedCallback() {
    this.from = performance.now() - Number(this.getAttribute("age"));
    this.tick();
  }
  tick() {
    clearTimeout(this.timer);
    const s = (performance.now() - this.from) / 1000;
    this.textContent = s < 10 ? `${s.toFixed(1)} s ago` : s < 60 ? `${Math.floor(s)} s ago` : `${Math.floor(s / 60)} min ago`;
    this.timer = setTimeout(() => this.isConnected && this.tick(), s < 10 ? 100 : s < 60 ? 1000 : 20000);
  }
});

// The stream of a page. A hidden page listens to nothing and reads itself again when it is looked at.
let source, heard, later, busy, wanted, soon, placing;
let read = -1000;

// What comes all at once is put in its place piece by piece: in between the page can be used.
let pieces = [];
function parts(html) {
  pieces.push([html, performance.now()]);
  if (!placing) place();
}

function next() {
  const [html, at] = pieces.shift();
  patch(html, null, { at });
}

function place() {
  placing = setTimeout(() => {
    placing = null;
    if (pieces.length) place();
  });
  for (const end = performance.now() + 30; pieces.length && performance.now() < end; ) next();
}

function listen() {
  if (!byId("live") || document.hidden) return;
  heard = performance.now();
  source = new EventSource(byId("live").getAttribute("src"));
  const heed = { parts, say, refresh: () => (soon ??= setTimeout(again, Math.max(0, read + 1000 - performance.now()))), beat: () => (heard = performance.now()) };
  for (const [name, act] of Object.entries(heed)) source.addEventListener(name, ({ data }) => act(data));
  source.onerror = lose;
}

function hangUp() {
  clearTimeout(later);
  source?.close();
  source = null;
  // What comes next is newer.
  pieces = [];
}

function lose() {
  hangUp();
  lost(true);
  later = setTimeout(again, 2000);
}

// Everything anew: the page, and a stream that begins where the page ends. If that takes long, it is said.
async function again() {
  if (busy || !byId("live")) return (wanted = busy);
  busy = true;
  wanted = soon = null;
  read = performance.now();
  hangUp();
  const slow = setTimeout(lost, 1000, true);
  try {
    await refresh();
    lost(false);
    listen();
  } catch {
    lose();
  }
  clearTimeout(slow);
  busy = false;
  if (wanted) again();
}

// Looking for devices: the page follows what is typed and chosen, and so does its address.
let typed;
document.addEventListener("input", ({ target }) => {
  const form = target.closest("[data-find]");
  clearTimeout(form && typed);
  if (form) typed = setTimeout(look, 120, form);
});
function look(form) {
  const asked = [...new FormData(form)].filter(([, value]) => value);
  history.replaceState(null, "", `${form.getAttribute("action")}?${new URLSearchParams(asked)}`);
  again();
}

// Choosing devices. A tick at all is one at each, also at those that come later, and whose own differs from it is marked: it
// stays chosen, or taken out, while a search hides it, on other pages of the list, and when somebody comes back to it.
const picks = () => [...document.querySelectorAll("#choosing .picks input")];
let [whole, marked] = [false, new Set()];
function recall() {
  const { pathname, search } = location;
  // Whoever is done with choosing, or has begun what they chose for, begins anew the next time.
  const done = (pathname === "/devices" && !/[?&]select=/.test(search)) || pathname === "/sign-in" || byId("bulk-progress");
  if (done) sessionStorage.removeItem("chosen");
  const [all, names] = JSON.parse(sessionStorage.getItem("chosen") ?? "[false, []]");
  [whole, marked] = [all, new Set(names)];
  tickAll();
}
function tickAll() {
  const form = byId("choosing");
  if (!form) return;
  sessionStorage.setItem("chosen", JSON.stringify([whole, [...marked]]));
  form.elements.all.checked = whole;
  let here = 0;
  for (const one of picks()) {
    one.checked = marked.has(one.name) !== whole;
    here += marked.has(one.name);
  }
  const hidden = marked.size - here;
  byId("but").textContent = whole && here ? ` but ${here}` : "";
  const chosen = marked.size ? `${marked.size} chosen${hidden ? `, ${hidden} of them not shown now` : ""}` : "None chosen yet";
  byId("chosen").textContent = whole ? "" : chosen;
  for (const button of form.querySelectorAll(".deeds button")) button.disabled = !whole && !marked.size;
}
document.addEventListener("change", ({ target }) => {
  const all = byId("choosing")?.elements.all;
  if (all && target === all) {
    whole = all.checked;
    marked.clear();
  } else if (all && target.closest(".picks")) {
    target.checked === whole ? marked.delete(target.name) : marked.add(target.name);
  }
  tickAll();
});
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.id !== "choosing") return;
  for (const one of picks()) formData.delete(one.name);
  for (const name of marked) formData.set(name, "yes");
  if (whole && marked.size) formData.set("but", "yes");
});
addEventListener("pageshow", recall);
recall();

document.addEventListener("visibilitychange", () => (document.hidden ? hangUp() : again()));
// Two missed signs of life: the connection is gone, whatever the network says.
setInterval(() => source && performance.now() - heard > 25000 && again(), 1000);
listen();

// A first account begins in the zone of the browser it is made in.
const zone = document.querySelector("[data-own-zone]");
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
