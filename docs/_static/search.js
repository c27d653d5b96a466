// Search over cards, and the dialog that shows it. Loaded when a reader first turns to search,
// after MiniSearch and cards.js (written by docs/_ext/proofsheet/search.py).
(function () {
  "use strict";

  const WORD = /\p{Script=Han}+|[\p{Script=Latin}\p{N}_]+(?:\.[\p{Script=Latin}\p{N}_]+)*/gu;
  const HAN = /\p{Script=Han}/u;
  const CAMEL = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g;
  // How much a word counts by where it stands. The steps are wider than what the frequency of a
  // word can make up for: a name in the title beats a word of the title beats a name in the code.
  const BOOST = { name: 100, title: 30, apis: 8, errors: 6, module: 6, text: 1 };
  // A message as Python prints it is about what cards quote; its "size" is no name of a method.
  const MESSAGE = /\w*(Error|Exception|Warning):/g;
  const MESSAGE_BOOST = { ...BOOST, name: 3, errors: 40 };
  // The first card of a page is the plain case; later ones must match better to come before it.
  const FIRST = 0.25;
  // What a card loses with each word of the query that it lacks: the share it has, to this power.
  const LACKING = 1.5;
  const SHOWN = 20;
  const ERROR = /error|exception|warning|错误|报错|异常|警告/i;

  const cards = window.proofsheetCards;
  const EMPTY = new Set(cards.stopWords);
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

  // "warm-up" is found as "warmup", too. A word counts once per field, except in prose: a title
  // that says a name twice is no better.
  // Of a name only tails count as the name; "stack" is a word of column_stack, not its name.
  function tokenize(text, field) {
    if (field === "name") return text.split(" ").flatMap(tails);
    const found = [];
    for (const [word] of text.matchAll(WORD)) {
      if (HAN.test(word)) found.push(...word, ...(word.length > 1 ? bigrams(word) : []));
      else found.push(...latin(word));
    }
    for (const [word] of text.matchAll(/[a-z]+(?:-[a-z]+)+/gi)) found.push(word.replaceAll("-", "").toLowerCase());
    return field === "text" ? found : [...new Set(found)];
  }

  const engine = new MiniSearch({
    fields: Object.keys(BOOST),
    storeFields: ["kind", "title", "place"],
    tokenize,
    processTerm: (term) => term,
    searchOptions: {
      tokenize: (text) => [text],
    },
  });
  const pageOf = (entry) => entry.url.split("#")[0];
  let place = 0;
  engine.addAll(
    cards.entries.map((entry, id, all) => {
      place = id && pageOf(entry) === pageOf(all[id - 1]) ? place + 1 : 0;
      return { id, ...entry, place, name: entry.name?.join(" "), apis: entry.apis?.join(" ") };
    }),
  );

  const exactly = (word, weight = 1) => ({ queries: [word], boostTerm: () => weight });
  // A word may be the beginning of another one; of a name only while it is being typed.
  const begins = (word, boost, weight = 1, typing = false) => ({
    queries: [word],
    prefix: true,
    boost: { ...boost, name: typing && boost === BOOST ? 40 : 0 },
    boostTerm: () => weight,
  });

  // What a word of the query may stand for, as a MiniSearch query.
  function meanings(word, boost, typing) {
    const others = (synonyms.get(word) || []).map((other) =>
      HAN.test(other)
        ? { combineWith: "AND", queries: bigrams(other).map((pair) => exactly(pair, 0.6)) }
        : begins(other, boost, 0.6),
    );
    if (HAN.test(word)) return { combineWith: "OR", queries: [{ combineWith: "AND", queries: bigrams(word).map((pair) => exactly(pair)) }, ...others] };
    const queries = [exactly(word), begins(word, boost, 1, typing), ...others];
    const parts = word.split(".");
    for (let i = 1; i < parts.length; i++) queries.push(exactly(parts.slice(i).join("."), 0.5 ** i));
    const stem = word.replace(/(ing|ed|es|s)$/, "");
    if (stem !== word && stem.length >= 4) queries.push(begins(stem, boost, 0.7));
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

  // The words of a query, each with its weight. Of an unknown run of Han text any pair may be a
  // word; together they weigh as one.
  function words(query) {
    const all = [...query.matchAll(WORD)].flatMap(([word]) => (HAN.test(word) ? segment(word) : [word.toLowerCase()]));
    const full = all.filter((word) => !EMPTY.has(word));
    return (full.length ? full : all).flatMap((word) => {
      const parts = HAN.test(word) && !synonyms.has(word) ? bigrams(word) : [word];
      return parts.map((part) => ({ word: part, weight: 1 / parts.length }));
    });
  }

  // Each word is looked up alone; a card counts by how well it matches each, and by how many.
  function search(query) {
    const pasted = query.search(MESSAGE) >= 0;
    const boost = pasted ? MESSAGE_BOOST : BOOST;
    const wanted = words(pasted ? query.replace(MESSAGE, " ").replace(/\b\d[\w.]*/g, " ") : query);
    // Examples rank above cards, which answer less, and above their own steps; pages rank below
    // cards, and cards about an error below others unless errors are asked for.
    const asked = ERROR.test(query);
    const kinds = { example: 1.3, step: 0.4, page: 0.35 };
    const phrase = query.trim().toLowerCase();
    const boostDocument = (id, term, { kind, title, place }) =>
      (kinds[kind] ?? (!asked && ERROR.test(title) ? 0.7 : 1) * (1 + FIRST / (1 + place) ** 2)) *
      (title.toLowerCase().includes(phrase) ? 1.5 : 1);
    const found = new Map();
    const all = wanted.reduce((sum, { weight }) => sum + weight, 0);
    wanted.forEach(({ word, weight }, i) => {
      for (const { id, score, terms, queryTerms } of engine.search(meanings(word, boost, i === wanted.length - 1), { boost, boostDocument })) {
        const card = found.get(id) || { id, score: 0, share: 0, terms: [] };
        // MiniSearch multiplies by the number of words found, and would count synonyms as words.
        card.score += (weight * score) / queryTerms.length;
        card.share += weight / all;
        card.terms.push(...terms);
        found.set(id, card);
      }
    });
    const ranked = [...found.values()].map((card) => ({ ...card, score: card.score * card.share ** LACKING }));
    return ranked.sort((a, b) => b.score - a.score).slice(0, SHOWN);
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
