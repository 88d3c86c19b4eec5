// Lockwarden in the browser: forms that are answered in parts, one stream of live parts, and a few small elements.
// Everything works without it; with it nothing has to be reloaded. Nothing here knows anything of locks.

const root = document.documentElement;
const byId = (id) => document.getElementById(id);
root.classList.add("js");

// Puts fresh parts where parts with the same id are, and leaves alone what somebody is working with.
function patch(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  for (const fresh of [...box.content.children]) {
    const old = fresh.id && byId(fresh.id);
    if (old) morph(old, fresh);
  }
}

function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id ?? "") !== (fresh.id ?? "")) {
    old.replaceWith(fresh);
  } else if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
  } else if (!old.dataset.armed && !(old === document.activeElement && old.matches("input, select, textarea"))) {
    for (const { name } of [...old.attributes]) {
      const kept = name === "open" && old.nodeName === "DETAILS";
      if (!fresh.hasAttribute(name) && !kept) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && old.nodeName !== "DETAILS") old.setAttribute(name, value);
    }
    // An element that writes its own text keeps it.
    if (old.nodeName !== "TIME-AGO") children(old, fresh);
  }
}

function children(old, fresh) {
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = child.id && [...old.children].find((one) => one.id === child.id);
    if (same && same !== place) old.insertBefore(same, place);
    const match = same || place;
    if (match && (same || !(match.id || child.id) || match.id === child.id)) {
      place = match.nextSibling;
      morph(match, child);
    } else {
      old.insertBefore(child, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// Reads the page again, for whatever the stream could not tell.
async function refresh() {
  const answer = await fetch(location.href);
  if (answer.redirected || !answer.ok) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  morph(byId("main"), page.getElementById("main"));
}

function say(words) {
  byId("announce").textContent = words;
}

const lost = (yes) => (byId("lost").hidden = !yes);

// A button that asks once more: the first press makes it a question, for five seconds.
function arm(button) {
  const words = button.innerHTML;
  button.dataset.armed = "yes";
  button.textContent = button.dataset.twice;
  say(`${button.dataset.twice} Press again within five seconds.`);
  button.disarm = () => {
    clearTimeout(timer);
    delete button.dataset.armed;
    button.innerHTML = words;
  };
  const timer = setTimeout(button.disarm, 5000);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.busy) return event.preventDefault();
  if (button?.dataset.twice && !button.dataset.armed) {
    event.preventDefault();
    return arm(button);
  }
  if (!form.hasAttribute("data-live")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, button));
  if (button?.dataset.armed) {
    body.set("sure", "yes");
    button.disarm();
  }
  form.busy = true;
  try {
    const path = form.getAttribute("action");
    const answer = await fetch(path, { method: "POST", body, headers: { "lockwarden-parts": "1" } });
    if (answer.status === 401) location.reload();
    else patch(await answer.text());
  } catch {
    const line = document.createElement("p");
    line.className = "strip bad";
    line.textContent = "The server was not reached. Whether the order arrived is not known; look at the door's state.";
    byId("said").replaceChildren(line);
  } finally {
    form.busy = false;
  }
});

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  const show = event.target.closest("[data-show]");
  if (copy) {
    const source = byId(copy.dataset.copy);
    const words = copy.querySelector("span");
    // Without a secure context there is no clipboard to write to: mark the text, so that it can be copied by hand.
    const done = await navigator.clipboard?.writeText(source.textContent).then(() => true, () => false);
    if (!done) getSelection().selectAllChildren(source);
    words.textContent = done ? "Copied" : "Marked";
    say(done ? "Copied" : "Marked, copy it now");
    setTimeout(() => (words.textContent = "Copy"), 2000);
  } else if (show) {
    const field = byId(show.dataset.show);
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    show.setAttribute("aria-pressed", String(!shown));
    show.textContent = shown ? "Show" : "Hide";
  }
});

// A length of time that goes on counting. It counts from when it came, so the two clocks need not agree.
class TimeAgo extends HTMLElement {
  static observedAttributes = ["age"];
  connectedCallback() { this.tick(); }
  disconnectedCallback() { clearTimeout(this.timer); }
  attributeChangedCallback() {
    this.from = performance.now() - Number(this.getAttribute("age"));
    if (this.isConnected) this.tick();
  }
  tick() {
    clearTimeout(this.timer);
    const seconds = (performance.now() - this.from) / 1000;
    const words = seconds < 10 ? `${seconds.toFixed(1)} s` : seconds < 60 ? `${Math.floor(seconds)} s` : `${Math.floor(seconds / 60)} min`;
    this.textContent = `${words} ago`;
    this.timer = setTimeout(() => this.tick(), seconds < 10 ? 100 : seconds < 60 ? 1000 : 20000);
  }
}
customElements.define("time-ago", TimeAgo);

// The stream of a page. A hidden page listens to nothing and reads itself again when it is looked at.
class LiveEvents extends HTMLElement {
  connectedCallback() {
    this.seen = () => (document.hidden ? this.close() : this.again());
    document.addEventListener("visibilitychange", this.seen);
    // Two missed signs of life: the connection is gone, whatever the network says.
    this.watch = setInterval(() => performance.now() - this.heard > 40000 && this.source && this.again(), 5000);
    if (!document.hidden) this.open();
  }
  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.seen);
    clearInterval(this.watch);
    this.close();
  }
  open() {
    this.heard = performance.now();
    const source = (this.source = new EventSource(this.getAttribute("src")));
    const on = (name, act) => source.addEventListener(name, (event) => {
      this.heard = performance.now();
      act(event.data);
    });
    on("parts", patch);
    on("say", say);
    on("beat", () => {});
    on("refresh", () => refresh().catch(() => this.lose()));
    source.onopen = () => {
      if (this.gone) refresh().catch(() => this.lose());
      lost((this.gone = false));
    };
    source.onerror = () => this.lose();
  }
  lose() {
    lost((this.gone = true));
    // The browser tries again by itself, unless it was told no: then the page finds out what it was told.
    if (this.source?.readyState === EventSource.CLOSED) setTimeout(() => this.again(), 3000);
  }
  close() {
    this.source?.close();
    this.source = null;
  }
  async again() {
    this.close();
    try {
      await refresh();
      if (!this.source && this.isConnected) this.open();
    } catch {
      lost((this.gone = true));
      setTimeout(() => this.again(), 3000);
    }
  }
}
customElements.define("live-events", LiveEvents);

// A first account begins in the zone of the browser it is made in.
const zone = document.querySelector("[data-own-zone]");
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
if (zone && !zone.value) zone.value = "UTC";
