// The search over cards: runs in a worker or, where a page has none, on the page; search.js starts
// it. The cards, synonyms and stop words come from docs/_ext/proofsheet/search.py.
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

  const inWorker = typeof importScripts === "function";
  if (inWorker) importScripts("vendor/minisearch.js", "cards.js");
  const cards = self.proofsheetCards;
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
  const documents = cards.entries.map((entry, id, all) => {
    place = id && pageOf(entry) === pageOf(all[id - 1]) ? place + 1 : 0;
    return { id, ...entry, place, name: entry.name?.join(" "), apis: entry.apis?.join(" ") };
  });

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
    const best = ranked.sort((a, b) => b.score - a.score).slice(0, SHOWN);
    return best.map(({ id, score, terms }) => ({ ...cards.entries[id], score, terms }));
  }

  if (inWorker) {
    engine.addAll(documents);
    self.onmessage = ({ data }) => self.postMessage(search(data));
    self.postMessage("ready");
  } else {
    // Between slices the page stays usable.
    self.proofsheetEngine = engine.addAllAsync(documents, { chunkSize: 10 }).then(() => search);
  }
})();
