// Lockwarden in the browser: forms that are answered in parts, one stream of live parts, and a few small elements.
// Everything works without it; with it nothing has to be reloaded. Nothing here knows anything of locks.

document.documentElement.classList.add("js");
const byId = (id) => document.getElementById(id);
const say = (words) => (byId("announce").textContent = words);
const lost = (yes) => (byId("lost").hidden = !yes);

// Puts fresh parts where parts with the same id are, and leaves alone what somebody is working with.
function patch(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  for (const fresh of [...box.content.children]) {
    const old = fresh.id && byId(fresh.id);
    if (!old) continue;
    const focused = old.contains(document.activeElement);
    morph(old, fresh);
    // The button that was pressed may be gone: its neighbour tells what became of it.
    const part = byId(fresh.id);
    if (focused && !part.contains(document.activeElement)) part.querySelector("button, a.btn")?.focus({ preventScroll: true });
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
  for (let left; (left = place); left.remove()) place = place.nextSibling;
}

// Reads the page again, for whatever the stream could not tell.
async function refresh() {
  const answer = await fetch(location.href);
  if (answer.redirected || !answer.ok) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  morph(byId("main"), page.getElementById("main"));
}

// A button that asks once more: the first press makes it a question, for five seconds. A double click or a key that is
// held down is one press.
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

document.addEventListener("keydown", (event) => {
  if (event.repeat && event.target.closest?.("[data-twice]")) event.preventDefault();
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (form.busy) return event.preventDefault();
  const armed = button?.dataset.armed;
  if (button?.dataset.twice && !(performance.now() - armed > 500)) {
    event.preventDefault();
    return armed || arm(button);
  }
  if (!form.hasAttribute("data-live")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, button));
  if (armed) {
    body.set("sure", "yes");
    button.disarm();
  }
  form.busy = true;
  try {
    const headers = { "lockwarden-parts": "1" };
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers });
    answer.redirected || answer.status === 401 ? location.reload() : patch(await answer.text());
  } catch {
    patch(byId("unsure").innerHTML);
  } finally {
    form.busy = false;
  }
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
customElements.define("live-events", class extends HTMLElement {
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
    const read = () => refresh().catch(() => this.lose());
    for (const [name, act] of Object.entries({ parts: patch, say, refresh: read, beat() {} })) {
      source.addEventListener(name, (event) => {
        this.heard = performance.now();
        act(event.data);
      });
    }
    source.onopen = () => {
      if (this.gone) read();
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
      if (!this.source && this.isConnected && !document.hidden) this.open();
    } catch {
      lost((this.gone = true));
      setTimeout(() => this.again(), 3000);
    }
  }
});

// A first account begins in the zone of the browser it is made in.
const zone = document.querySelector("[data-own-zone]");
if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
