// Tells of new decisions, and shows them without losing focus or place. Pages work without it.
"use strict";

(() => {
  const PATIENCE = 10_000; // the browser itself tries again, and is given so long
  const [FIRST_WAIT, LONGEST_WAIT] = [5_000, 300_000];
  const BETWEEN_WORDS = 20_000; // whoever listens to the page is not interrupted more often

  const base = document.body.dataset.base;
  const news = document.getElementById("news");
  const told = document.getElementById("told");
  const parts = () => document.querySelectorAll("[data-part]");
  if (!parts().length || !window.EventSource) return;

  // Only an unfiltered first page says what the newest entry was when it was made.
  const log = location.search ? null : document.querySelector("[data-newest]");
  let known = log ? Number(log.dataset.newest) : null;
  const seen = new Map(); // what is new, and whether it is a decision
  let lost = false;

  // One button that stays, so that it keeps the focus; what it says is told apart from it, and not too often.
  const button = document.createElement("button");
  button.type = "button";
  button.addEventListener("click", () => (lost ? location.reload() : show()));
  news.hidden = true;
  news.append(button);

  let spokenAt = -BETWEEN_WORDS;
  let speaking = 0;
  const speak = (text) => {
    clearTimeout(speaking);
    if (!text) return;
    speaking = setTimeout(() => {
      spokenAt = Date.now();
      told.textContent = text;
    }, Math.max(0, spokenAt + BETWEEN_WORDS - Date.now()));
  };

  const words = () => {
    if (lost) return "No longer live: reload";
    if (!seen.size) return "";
    const word = [...seen.values()].every(Boolean) ? "decision" : "record";
    return `${seen.size} new ${word}${seen.size === 1 ? "" : "s"}: show`;
  };

  const announce = () => {
    const text = words();
    if (text === button.textContent) return;
    if (text) button.textContent = text;
    if (!text && document.activeElement === button) document.getElementById("main").focus({ preventScroll: true });
    news.hidden = !text;
    speak(text);
    if (!text) button.textContent = told.textContent = "";
  };

  // Takes over the parts of the same page as it is now; what has focus, and what is open, stays so.
  const show = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || answer.redirected) return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const before = new Set([...document.querySelectorAll("[data-part='log'] .title")].map((title) => title.id));
    const focused = document.activeElement && document.activeElement.id;
    const [left, top] = [scrollX, scrollY];
    const theirs = [...fresh.querySelectorAll("[data-part]")];
    for (const part of parts()) {
      const same = theirs.find((one) => one.dataset.part === part.dataset.part);
      if (same) part.replaceWith(document.adoptNode(same));
    }
    for (const title of document.querySelectorAll("[data-part='log'] .title")) {
      if (!before.has(title.id)) title.closest(".entry").classList.add("fresh");
    }
    const again = focused && document.getElementById(focused);
    if (again) again.focus({ preventScroll: true });
    else document.getElementById("main").focus({ preventScroll: true });
    scrollTo(left, top);
    seen.clear();
    announce();
  };

  const tell = (entry) => {
    known = Math.max(known || 0, entry.number);
    seen.set(entry.number, entry.trigger !== null);
    announce();
  };

  // What came while nobody listened is asked for. A page that can't say where it stands begins with what is newest now.
  const catchUp = async () => {
    const answer = await fetch(`${base}/api/v1/entries?limit=${known === null ? 1 : 50}`);
    if (!answer.ok) return;
    const entries = (await answer.json()).entries;
    const from = known;
    if (from === null) known = entries.length ? entries[0].number : 0;
    else for (const entry of entries) if (entry.number > from) tell(entry);
  };

  const lose = () => {
    lost = true;
    announce();
  };

  let stream = null;
  let doubting = 0;
  let retrying = 0;
  let wait = FIRST_WAIT;

  const silence = () => {
    clearTimeout(doubting);
    clearTimeout(retrying);
    if (stream) stream.close();
    stream = null;
    doubting = 0;
  };

  // A browser has few connections to one place for all its windows: only what is looked at holds one.
  const listen = () => {
    if (stream || document.visibilityState !== "visible") return;
    clearTimeout(retrying);
    stream = new EventSource(`${base}/api/v1/events`);
    stream.addEventListener("open", () => {
      clearTimeout(doubting);
      doubting = 0;
      wait = FIRST_WAIT;
      lost = false;
      catchUp().catch(() => {}).then(announce); // not before: a button that is hidden in between loses the focus
    });
    stream.addEventListener("entry", (event) => tell(JSON.parse(event.data)));
    stream.addEventListener("error", () => {
      if (stream.readyState !== EventSource.CLOSED) {
        doubting = doubting || setTimeout(lose, PATIENCE);
        return;
      }
      silence();
      lose();
      retrying = setTimeout(listen, wait * (0.75 + Math.random() / 2));
      wait = Math.min(2 * wait, LONGEST_WAIT);
    });
  };

  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? listen() : silence()));
  addEventListener("pagehide", silence);
  addEventListener("pageshow", listen);
  listen();
})();
