// The dialog of the search over cards. Loaded when a reader first turns to search.
(function () {
  "use strict";

  const HAN = /\p{Script=Han}/u;
  const here = document.currentScript.src;
  const address = (name) => new URL(name, here).href;

  // --- the engine --------------------------------------------------------------------------

  const fetchScript = (name) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address(name);
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });

  // To make the index takes a second, in which the page would stand still. The first answers do
  // not wait for the words of prose and code; `whole` tells when they are there.
  let allIsThere;
  const whole = new Promise((resolve) => (allIsThere = resolve));
  const inWorker = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(address("search_engine.js")); // throws on a page opened as a file
      const waiting = []; // answers come in the order of the questions
      const ask = (query) =>
        new Promise((answer) => {
          waiting.push(answer);
          worker.postMessage(query);
        });
      worker.onerror = reject;
      worker.onmessage = ({ data }) => {
        if (data.answer) waiting.shift()(data.answer);
        else if (data.state === "whole") allIsThere();
        else resolve(ask);
      };
    });
  const onPage = async () => {
    for (const name of ["vendor/minisearch.js", "cards.js", "search_engine.js"]) await fetchScript(name);
    const { ready, search, addTexts } = self.proofsheetEngine;
    await ready;
    fetchScript("texts.js").then(() => fetchScript("others.js")).then(addTexts).then(allIsThere);
    return search;
  };
  const engine = inWorker().catch(onPage);
  const search = async (query) => (await engine)(query);

  // --- the dialog --------------------------------------------------------------------------

  const dialog = document.getElementById("search-dialog");
  const form = dialog.querySelector("form");
  const input = form.querySelector("input");
  const list = document.getElementById("search-found");
  const status = dialog.querySelector(".search-status");
  const notice = dialog.querySelector(".search-notice");
  const everything = dialog.querySelector(".search-all");
  const text = dialog.dataset;
  let chosen = -1;
  let answered; // when the list fits what was typed last

  function marked(title, terms) {
    const sorted = [...terms].filter((term) => HAN.test(term) || term.length > 1).sort((a, b) => b.length - a.length);
    const fragment = document.createDocumentFragment();
    if (!sorted.length) return fragment.append(title), fragment;
    const pattern = new RegExp(`(${sorted.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi");
    title.split(pattern).forEach((part, i) => {
      if (i % 2) fragment.append(Object.assign(document.createElement("mark"), { textContent: part }));
      else if (part) fragment.append(part);
    });
    return fragment;
  }

  // The names that made a card match, else none: they say why it is in the list.
  function matchedNames(entry) {
    const known = new Set(entry.terms);
    return [...(entry.name || []), ...(entry.apis || [])]
      .filter((name) => known.has(name.toLowerCase()) || known.has(name.toLowerCase().split(".").pop()))
      .slice(0, 2);
  }

  function option(entry, i) {
    const link = document.createElement("a");
    link.href = text.root + entry.url;
    link.id = `search-found-${i}`;
    link.tabIndex = -1;
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    const title = document.createElement("span");
    title.className = "found-title";
    title.append(marked(entry.title, entry.terms));
    const where = document.createElement("span");
    where.className = "found-where";
    where.append(entry.kind === "card" ? entry.module : text.page);
    for (const name of matchedNames(entry))
      where.append(" ", Object.assign(document.createElement("code"), { textContent: name }));
    link.append(title, where);
    return link;
  }

  function choose(i) {
    const options = list.children;
    if (options[chosen]) options[chosen].setAttribute("aria-selected", "false");
    chosen = options.length ? (i + options.length) % options.length : -1;
    if (chosen < 0) return input.removeAttribute("aria-activedescendant");
    options[chosen].setAttribute("aria-selected", "true");
    options[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[chosen].id);
  }

  // What the site does not have, and knows that it does not.
  function tell(unknown) {
    notice.hidden = !unknown;
    notice.replaceChildren();
    if (!unknown) return;
    if (unknown.message) return notice.append(text.unknownMessage);
    const [before, after] = text.unknownName.split("{name}");
    const link = Object.assign(document.createElement("a"), { href: unknown.url });
    link.append(Object.assign(document.createElement("code"), { textContent: unknown.name }));
    notice.append(before, link, after);
  }

  function fill({ found, unknown }, query) {
    tell(unknown);
    list.replaceChildren(...found.map(option));
    list.scrollTop = 0;
    chosen = -1;
    choose(0);
    input.setAttribute("aria-expanded", String(found.length > 0));
    status.textContent = !query ? "" : found.length ? text.found.replace("{count}", found.length) : text.nothing;
    status.classList.toggle("visually-hidden", found.length > 0);
  }

  // Answers come later, and only the one to the last question counts.
  function show() {
    const query = input.value.trim();
    const asked = (query ? search(query) : Promise.resolve({ found: [] })).then((answer) => {
      if (answered !== asked) return;
      fill(answer, query);
      list.ariaBusy = "false";
    });
    answered = asked;
    list.ariaBusy = "true";
    everything.href = form.action + (query ? `?q=${encodeURIComponent(query)}` : "");
    return asked;
  }

  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // Enter and arrows belong to the input method now
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter" && input.value.trim())
      answered.then(() => (chosen >= 0 ? list.children[chosen].click() : form.requestSubmit()));
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointermove", (event) => {
    const link = event.target.closest("a");
    const i = [...list.children].indexOf(link);
    if (i >= 0 && i !== chosen) choose(i);
  });
  list.addEventListener("click", (event) => {
    if (event.target.closest("a") && !event.metaKey && !event.ctrlKey) dialog.close();
  });

  window.proofsheetSearch = { search, show, whole };
  show();
  whole.then(() => chosen <= 0 && show()); // not under the hand of a reader who is choosing
})();
