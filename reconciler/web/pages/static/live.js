// Tells of new decisions, and shows them without losing focus or place. Pages work without it.
"use strict";

(() => {
  const base = document.body.dataset.base;
  const news = document.getElementById("news");
  const parts = () => document.querySelectorAll("[data-part]");
  const newest = () => Number(document.querySelector("[data-newest]")?.dataset.newest || 0);
  if (!parts().length || !window.EventSource) return;

  const seen = new Set();

  const announce = () => {
    if (!seen.size) return news.replaceChildren();
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = seen.size === 1 ? "1 new decision: show" : `${seen.size} new decisions: show`;
    button.addEventListener("click", show);
    news.replaceChildren(button);
  };

  // Takes over the parts of the same page as it is now; what has focus, and what is open, stays so.
  const show = async () => {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const known = new Set([...document.querySelectorAll("[data-part='log'] .title")].map((title) => title.id));
    const focused = document.activeElement && document.activeElement.id;
    const [left, top] = [scrollX, scrollY];
    const theirs = [...fresh.querySelectorAll("[data-part]")];
    for (const part of parts()) {
      const same = theirs.find((one) => one.dataset.part === part.dataset.part);
      if (same) part.replaceWith(document.adoptNode(same));
    }
    for (const title of document.querySelectorAll("[data-part='log'] .title")) {
      if (!known.has(title.id)) title.closest(".entry").classList.add("fresh");
    }
    const again = focused && document.getElementById(focused);
    if (again) again.focus({ preventScroll: true });
    else document.getElementById("main").focus({ preventScroll: true });
    scrollTo(left, top);
    seen.clear();
    announce();
  };

  const tell = (number) => {
    seen.add(number);
    announce();
  };

  // What came between the page and the stream is asked for; all else is told.
  const catchUp = async () => {
    if (!newest()) return;
    const answer = await fetch(`${base}/api/v1/entries?limit=50`);
    if (!answer.ok) return;
    for (const entry of (await answer.json()).entries) if (entry.number > newest()) tell(entry.number);
  };

  const stream = new EventSource(`${base}/api/v1/events`);
  stream.addEventListener("open", catchUp);
  stream.addEventListener("entry", (event) => tell(JSON.parse(event.data).number));
  addEventListener("pagehide", () => stream.close());
})();
