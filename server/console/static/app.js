// Keeps a page up to date and moves about it by keyboard. Pages work without it.
"use strict";

const short = (seconds) => {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 172800) return Math.floor(s / 3600) + " h " + Math.floor(s / 60) % 60 + " min";
  return Math.floor(s / 86400) + " days";
};

function tick() {
  const now = Date.now();
  for (const t of document.querySelectorAll("time[data-until]")) {
    t.textContent = short((t.dataset.until - now) / 1000);
    t.classList.toggle("soon", t.dataset.until - now < 120000);
  }
  for (const t of document.querySelectorAll("time[data-since]")) t.textContent = short((now - t.dataset.since) / 1000);
}

// What the server last said of each part; what a person typed is not compared.
const said = new Map();

function take(next) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = next.getElementById(part.id);
    if (!fresh || said.get(part.id) === fresh.innerHTML) continue;
    said.set(part.id, fresh.innerHTML);
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    const link = held && held.getAttribute("href"), id = held && held.id;
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    const again = link ? [...part.querySelectorAll("a")].find((a) => a.getAttribute("href") === link) : id && document.getElementById(id);
    if (again) again.focus({ preventScroll: true });
  }
  document.title = next.title;
  tick();
}

let asking = false, more = false;
async function refresh() {
  if (asking) { more = true; return; }
  asking = true;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (new URL(answer.url).pathname === "/console/signin") { location.assign(answer.url); return; }
    // A page that tells of an error does not replace one that a person works on.
    if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the stream tries again */ } finally {
    asking = false;
    if (more) { more = false; refresh(); }
  }
}

let stream = null;
function follow() {
  if (document.hidden || (stream && stream.readyState !== EventSource.CLOSED)) return;
  stream = new EventSource("/console/events");
  stream.onmessage = refresh;
  stream.onerror = () => {
    if (stream && stream.readyState === EventSource.CLOSED) { refresh(); setTimeout(follow, 5000); }
  };
}

function hide() {
  if (!document.hidden) { follow(); return; }
  if (stream) stream.close();
  stream = null;
}

function move(step) {
  const items = [...document.querySelectorAll("[data-list] a.item")];
  if (items.length === 0) return;
  const at = items.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.min(items.length - 1, Math.max(0, at + step));
  items[next].focus();
}

// a and d only go to the button: a slip of the hand approves nothing.
const keys = {
  j: () => move(1),
  k: () => move(-1),
  a: () => document.getElementById("approve")?.focus(),
  d: () => document.getElementById("deny")?.focus(),
  c: () => document.getElementById("comment")?.focus(),
  Escape: () => { if (location.pathname.startsWith("/console/approvals/")) location.assign("/console/"); },
};

function press(e) {
  if (e.ctrlKey || e.metaKey || e.altKey || e.repeat && e.key === "Escape") return;
  if (e.target.matches("input, textarea, select")) {
    if (e.key === "Escape") e.target.blur();
    return;
  }
  const act = Object.hasOwn(keys, e.key) && keys[e.key];
  if (act) { e.preventDefault(); act(); }
}

for (const part of document.querySelectorAll("[data-live]")) said.set(part.id, part.innerHTML);
tick();
if ("follow" in document.body.dataset) {
  setInterval(tick, 1000);
  addEventListener("keydown", press);
  addEventListener("visibilitychange", hide);
  addEventListener("pagehide", () => { if (stream) stream.close(); stream = null; });
  addEventListener("pageshow", (e) => { if (e.persisted) { refresh(); follow(); } });
  follow();
}
