// Search over cards, and the dialog that shows it. Loaded when a reader first turns to search,
// after MiniSearch and cards.js (written by docs/_ext/proofsheet/search.py).
(function () {
  "use strict";

  const WORD = /\p{Script=Han}+|[\p{Script=Latin}\p{N}_]+(?:\.[\p{Script=Latin}\p{N}_]+)*/gu;
  const HAN = /\p{Script=Han}/u;
  const CAMEL = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g;
  const EMPTY = new Set(
    "a an and are as at be by can do does for from get how i in into is it me my of on or the this to use using vs versus what when which why with 和 与 的 把 一个 两个 怎么 如何 怎样 什么 区别".split(" "),
  );
  // How much a word counts by where it stands. The steps are wider than what the frequency of a
  // word can make up for: a name in the title beats a word of the title beats a name in the code.
  const BOOST = { name: 100, title: 30, apis: 8, errors: 6, module: 6, text: 1 };
  const SHOWN = 20;
  const ERROR = /error|exception|warning|错误|报错|异常|警告/i;

  const cards = window.proofsheetCards;
  const synonyms = new Map();
  for (const group of cards.synonyms)
    for (const word of group) synonyms.set(word, group.filter((other) => other !== word));
  const longestSynonym = Math.max(...[...synonyms.keys()].map((word) => word.length));

  const bigrams = (run) =>
    run.length < 2 ? [run] : [...run].slice(1).map((char, i) => run[i] + char);

  // torch.nn.functional.scaled_dot_product_attention: the whole and every tail of it ...
  function tails(word) {
    const parts = word.toLowerCase().split(".");
    return parts.map((_, i) => parts.slice(i).join("."));
  }

  // ... and every part, and the words of a part.
  function latin(word) {
    const found = new Set(tails(word));
    for (const part of word.split(".")) {
      found.add(part.toLowerCase());
      for (const piece of part.split("_")) {
        if (piece) found.add(piece.toLowerCase());
        const humps = piece.match(CAMEL) || [];
        if (humps.length > 1) for (const hump of humps) found.add(hump.toLowerCase());
      }
    }
    return [...found];
  }

  // A word counts once per field, except in prose: a title that says a name twice is no better.
  // Of a name only tails count as the name; "stack" is a word of column_stack, not its name.
  function tokenize(text, field) {
    if (field === "name") return text.split(" ").flatMap(tails);
    const found = [];
    for (const [word] of text.matchAll(WORD)) {
      if (HAN.test(word)) found.push(...word, ...(word.length > 1 ? bigrams(word) : []));
      else found.push(...latin(word));
    }
    return field === "text" ? found : [...new Set(found)];
  }

  const engine = new MiniSearch({
    fields: Object.keys(BOOST),
    storeFields: ["kind", "title"],
    tokenize,
    processTerm: (term) => term,
    searchOptions: {
      tokenize: (text) => [text],
      boost: BOOST,
    },
  });
  engine.addAll(cards.entries.map((entry, id) => ({ id, ...entry, name: entry.name?.join(" "), apis: entry.apis?.join(" ") })));

  const exactly = (word, weight = 1) => ({ queries: [word], boostTerm: () => weight });
  // A word may be the beginning of another one; of a name only while it is being typed.
  const begins = (word, weight = 1, typing = false) => ({
    queries: [word],
    prefix: true,
    boost: { ...BOOST, name: typing ? 40 : 0 },
    boostTerm: () => weight,
  });

  // What a word of the query may stand for, as a MiniSearch query.
  function meanings(word, at, all) {
    const others = (synonyms.get(word) || []).map((other) =>
      HAN.test(other)
        ? { combineWith: "AND", queries: bigrams(other).map((pair) => exactly(pair, 0.6)) }
        : begins(other, 0.6),
    );
    if (HAN.test(word)) return { combineWith: "OR", queries: [{ combineWith: "AND", queries: bigrams(word).map((pair) => exactly(pair)) }, ...others] };
    const queries = [exactly(word), begins(word, 1, at === all.length - 1), ...others];
    const parts = word.split(".");
    for (let i = 1; i < parts.length; i++) queries.push(exactly(parts.slice(i).join("."), 0.5 ** i));
    const stem = word.replace(/(ing|ed|es|s)$/, "");
    if (stem !== word && stem.length >= 4) queries.push(begins(stem, 0.7));
    if (word.length >= 5 && parts.length === 1) queries.push({ queries: [word], fuzzy: 0.2, boostTerm: () => 0.3 });
    return { combineWith: "OR", queries };
  }

  // Han text has no spaces: known words first, what is left stays together.
  function segment(run) {
    const found = [];
    let rest = "";
    for (let at = 0; at < run.length; ) {
      let size = Math.min(longestSynonym, run.length - at);
      while (size > 1 && !synonyms.has(run.slice(at, at + size)) && !EMPTY.has(run.slice(at, at + size))) size--;
      if (size > 1 || EMPTY.has(run[at])) {
        if (rest) found.push(rest);
        found.push(run.slice(at, at + size));
        rest = "";
      } else rest += run[at];
      at += size;
    }
    if (rest) found.push(rest);
    return found;
  }

  function words(query) {
    const all = [...query.matchAll(WORD)].flatMap(([word]) => (HAN.test(word) ? segment(word) : [word.toLowerCase()]));
    const full = all.filter((word) => !EMPTY.has(word));
    return full.length ? full : all;
  }

  // Cards that hold every word come first; those that hold some of them follow.
  function search(query) {
    const queries = words(query).map(meanings);
    if (!queries.length) return [];
    // Examples rank above cards, which answer less, and above their own steps; pages rank below
    // cards, and cards about an error below others unless errors are asked for.
    const asked = ERROR.test(query);
    const weight = { example: 1.3, step: 0.4, page: 0.35 };
    const boostDocument = (id, term, stored) => weight[stored.kind] ?? (!asked && ERROR.test(stored.title) ? 0.7 : 1);
    const phrase = query.trim().toLowerCase();
    const literal = (stored) => (stored.title.toLowerCase().includes(phrase) ? 1.5 : 1);
    // MiniSearch multiplies by the number of words found, and would count synonyms as words.
    const run = (combineWith) =>
      engine
        .search({ combineWith, queries }, { boostDocument })
        .map((result) => ({ ...result, score: (result.score * literal(result)) / result.queryTerms.length }))
        .sort((a, b) => b.score - a.score);
    const all = run("AND");
    if (queries.length === 1 || all.length >= SHOWN) return all.slice(0, SHOWN);
    const seen = new Set(all.map((result) => result.id));
    return [...all, ...run("OR").filter((result) => !seen.has(result.id))].slice(0, SHOWN);
  }

  // --- the dialog --------------------------------------------------------------------------

  const dialog = document.getElementById("search-dialog");
  const form = dialog.querySelector("form");
  const input = form.querySelector("input");
  const list = document.getElementById("search-found");
  const status = dialog.querySelector(".search-status");
  const everything = dialog.querySelector(".search-all");
  const text = dialog.dataset;
  let chosen = -1;

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
  function matchedNames(entry, terms) {
    const known = new Set(terms);
    return [...(entry.name || []), ...(entry.apis || [])]
      .filter((name) => known.has(name.toLowerCase()) || known.has(name.toLowerCase().split(".").pop()))
      .slice(0, 2);
  }

  function option(result, i) {
    const entry = cards.entries[result.id];
    const link = document.createElement("a");
    link.href = text.root + entry.url;
    link.id = `search-found-${i}`;
    link.tabIndex = -1;
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    const title = document.createElement("span");
    title.className = "found-title";
    title.append(marked(entry.title, result.terms));
    const where = document.createElement("span");
    where.className = "found-where";
    where.append(entry.kind === "card" ? entry.module : text.page);
    for (const name of matchedNames(entry, result.terms))
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

  function show() {
    const query = input.value.trim();
    const found = query ? search(query) : [];
    list.replaceChildren(...found.map(option));
    list.scrollTop = 0;
    chosen = -1;
    choose(0);
    input.setAttribute("aria-expanded", String(found.length > 0));
    status.textContent = !query ? "" : found.length ? text.found.replace("{count}", found.length) : text.nothing;
    status.classList.toggle("visually-hidden", found.length > 0);
    everything.href = form.action + (query ? `?q=${encodeURIComponent(query)}` : "");
  }

  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // Enter and arrows belong to the input method now
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter" && chosen >= 0) list.children[chosen].click();
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

  window.proofsheetSearch = { search: (query) => search(query).map((result) => ({ ...cards.entries[result.id], score: result.score })), show };
  show();
})();
