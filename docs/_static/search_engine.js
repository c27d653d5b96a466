// The search over cards: runs in a worker or, where a page has none, on the page; search.js starts
// it. The cards, synonyms and stop words come from docs/_ext/proofsheet/search.py: names, titles
// and messages in cards.js, which answers first; the words of prose and code in texts.js, and those
// of the other language's readers in others.js, which come later.
(function () {
  "use strict";

  const inWorker = typeof importScripts === "function";
  if (inWorker) importScripts("vendor/minisearch.js", "cards.js");
  const cards = self.proofsheetCards;
  // What weighs how much, and what a word is: docs/search/rules.toml, which says why.
  const { boost: BOOST, pastedBoost: PASTED_BOOST, kinds, weights, limits } = cards.rules;
  const pattern = (name, flags = "g") => new RegExp(cards.rules.patterns[name], flags);
  const WORD = pattern("word");
  const HAN = pattern("han", "");
  const CAMEL = pattern("hump");
  const HYPHENED = pattern("hyphened");
  const ENDING = pattern("ending", "");
  const MESSAGE = pattern("message");
  const ERROR = pattern("error", "i");
  const NUMBER = pattern("number");
  const NAME = pattern("name", "");
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
    for (const [word] of text.matchAll(HYPHENED)) found.push(word.replaceAll("-", "").toLowerCase());
    return field === "text" ? found : [...new Set(found)];
  }

  const made = (fields) =>
    new MiniSearch({
      fields,
      storeFields: ["kind", "title", "place"],
      tokenize,
      processTerm: (term) => term,
      searchOptions: { tokenize: (text) => [text] },
    });
  const engine = made(["name", "title", "asked", "errors", "module"]);
  const later = made(["more", "apis", "text"]);
  const others = made(["asked"]); // in the other language
  const pageOf = (entry) => entry.url.split("#")[0];
  let place = 0;
  const documents = cards.entries.map((entry, id, all) => {
    place = id && pageOf(entry) === pageOf(all[id - 1]) ? place + 1 : 0;
    return { id, ...entry, place, name: entry.name?.join(" "), errors: entry.errors?.join(" ") };
  });

  const exactly = (word, weight = 1) => ({ queries: [word], boostTerm: () => weight });
  // A word may be the beginning of another one; of a name only while it is being typed.
  const begins = (word, boost, weight = 1, typing = false) => ({
    queries: [word],
    prefix: true,
    boost: { ...boost, name: typing && boost === BOOST ? weights.typing : 1 },
    boostTerm: () => weight,
  });

  // What a word of the query may stand for, as a MiniSearch query.
  function meanings(word, boost, typing) {
    const others = (synonyms.get(word) || []).map((other) =>
      HAN.test(other)
        ? { combineWith: "AND", queries: bigrams(other).map((pair) => exactly(pair, weights.synonym)) }
        : begins(other, boost, weights.synonym),
    );
    if (HAN.test(word)) return { combineWith: "OR", queries: [{ combineWith: "AND", queries: bigrams(word).map((pair) => exactly(pair)) }, ...others] };
    const queries = [exactly(word), begins(word, boost, 1, typing), ...others];
    const parts = word.split(".");
    for (let i = 1; i < parts.length; i++) queries.push(exactly(parts.slice(i).join("."), weights.tail ** i));
    const stem = word.replace(ENDING, "");
    if (stem !== word && stem.length >= limits.stem) queries.push(begins(stem, boost, weights.stem));
    if (word.length >= limits.long && parts.length === 1) queries.push({ queries: [word], fuzzy: limits.fuzzy, boostTerm: () => weights.fuzzy });
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

  // --- messages ----------------------------------------------------------------------------

  // Of a traceback what stands below it; of a message neither numbers nor files.
  const LINES = pattern("traceback", "");
  const FILE = pattern("file");
  const SPOKEN = pattern("spoken");
  function messageIn(query) {
    const starts = [...query.matchAll(MESSAGE)];
    if (LINES.test(query) && starts.length) query = query.slice(starts[starts.length - 1].index);
    return query.replace(FILE, " ");
  }

  // Two words side by side say more than one.
  function pairs(text) {
    const found = (text.toLowerCase().match(SPOKEN) || []).filter((word) => word.length > 1);
    return new Set([...found.slice(1).map((word, i) => `${found[i]} ${word}`), ...found]);
  }
  // What a step of an example quotes, its page quotes, too.
  const examples = new Map(documents.filter(({ kind }) => kind === "example").map(({ id, url }) => [url, id]));
  const messages = documents.flatMap(({ id, url }) =>
    (cards.entries[id].errors || []).flatMap((text) => {
      const message = pairs(text.replace(MESSAGE, " "));
      return [id, examples.get(url.split("#")[0])].filter((one) => one !== undefined).map((one) => ({ id: one, pairs: message }));
    }),
  );
  const spread = new Map();
  for (const message of messages) for (const pair of message.pairs) spread.set(pair, (spread.get(pair) || 0) + 1);
  const rarity = (pair) => Math.log(1 + messages.length / ((spread.get(pair) || 0) + 0.5)) * (pair.includes(" ") ? 1 : weights.pair);
  const sum = (some) => [...some].reduce((total, pair) => total + rarity(pair), 0);
  for (const message of messages) message.whole = sum(message.pairs);

  // How much of the pasted message each card's message has: {card: share}. Of a short one: null.
  function alike(message) {
    const shares = new Map(), wanted = pairs(message.replace(MESSAGE, " "));
    if (wanted.size < limits.pairs) return null; // two words or fewer, and their pairs
    const whole = sum(wanted);
    for (const { id, pairs: its, whole: itsWhole } of messages) {
      const common = sum([...wanted].filter((pair) => its.has(pair)));
      // What is pasted may go on where a card's message ends, and be cut off where that goes on.
      const share = common / Math.min(whole, Math.max(itsWhole, whole / 2));
      if (share > (shares.get(id) || 0)) shares.set(id, share);
    }
    return shares;
  }

  // --- ranking -----------------------------------------------------------------------------

  // Each word is looked up alone; a card counts by how well it matches each, and by how many.
  function search(query) {
    const message = messageIn(query);
    const pasted = query.search(MESSAGE) >= 0;
    const boost = pasted ? PASTED_BOOST : BOOST;
    const wanted = words(pasted ? message.replace(MESSAGE, " ").replace(NUMBER, " ") : query);
    const asked = ERROR.test(query);
    const phrase = query.trim().toLowerCase();
    const boostDocument = (id, term, { kind, title, place }) =>
      (kinds[kind] ?? (!asked && ERROR.test(title) ? weights.error : 1) * (1 + weights.first / (1 + place) ** 2)) *
      (title.toLowerCase().includes(phrase) ? weights.phrase : 1);
    const found = new Map();
    const rarity = [];
    wanted.forEach(({ word, weight }, i) => {
      const meant = meanings(word, boost, i === wanted.length - 1);
      const having = new Set();
      for (const part of [engine, later, others])
        for (const { id, score, terms, queryTerms } of part.search(meant, { boost, boostDocument })) {
          const card = found.get(id) || { id, score: 0, words: new Set(), terms: [] };
          // MiniSearch multiplies by the number of words found, and would count synonyms as words.
          card.score += (weight * score) / queryTerms.length;
          card.words.add(i);
          having.add(id);
          card.terms.push(...terms);
          found.set(id, card);
        }
      rarity[i] = weight * Math.log(1 + documents.length / (having.size + 1));
    });
    const all = rarity.reduce((sum, one) => sum + one, 0);
    for (const card of found.values())
      card.score *= ([...card.words].reduce((sum, i) => sum + rarity[i], 0) / all) ** weights.lacking;
    // Cards that quote what was pasted come before all others.
    const top = Math.max(...[...found.values()].map(({ score }) => score), 1);
    const shares = alike(message);
    let known = !shares;
    for (const [id, share] of shares || []) {
      if (share < (pasted ? limits.known : limits.alike)) continue;
      known = true;
      const card = found.get(id) || { id, score: 0, terms: [] };
      found.set(id, { ...card, score: top * weights.pasted * share ** 2 + card.score });
    }
    const best = [...found.values()].sort((a, b) => b.score - a.score).slice(0, limits.shown);
    return {
      found: best.map(({ id, score, terms }) => ({ ...cards.entries[id], apis: self.proofsheetTexts?.apis[id], score, terms })),
      unknown: pasted ? (known ? null : { message: true }) : unknownName(query.trim()),
    };
  }

  // --- names of PyTorch without a card -------------------------------------------------------

  // The end of a name, in small letters: the whole. A word that is no more than a word asks for no name.
  const listed = new Map();
  function unknownName(query) {
    const asked = query.replace(/\(.*$/, "");
    const name = NAME.test(asked) ? listed.get(asked.toLowerCase()) : null;
    return name ? { name, url: self.proofsheetTexts.documented[name] } : null;
  }

  // The words of the prose and of the code come later: without them most questions have an answer.
  function addTexts() {
    const { texts, more, apis, documented } = self.proofsheetTexts;
    const carded = new Set([...cards.entries.map(({ name }) => name || []), ...apis].flat().flatMap(tails));
    for (const name of Object.keys(documented))
      for (const tail of tails(name)) if (!carded.has(tail)) listed.set(tail, name);
    const pace = { chunkSize: inWorker ? 100 : 10 };
    const here = documents.map((one) => ({ ...one, text: texts[one.id], more: more[one.id], apis: apis[one.id].join(" ") }));
    const there = documents.map((one) => ({ ...one, asked: self.proofsheetOthers[one.id] }));
    return later.addAllAsync(here, pace).then(() => others.addAllAsync(there, pace));
  }

  if (inWorker) {
    engine.addAll(documents);
    self.onmessage = ({ data }) => self.postMessage({ answer: search(data) });
    self.postMessage({ state: "ready" });
    importScripts("texts.js", "others.js");
    addTexts().then(() => self.postMessage({ state: "whole" }));
  } else {
    // Between slices the page stays usable.
    self.proofsheetEngine = { ready: engine.addAllAsync(documents, { chunkSize: 10 }), search, addTexts };
  }
})();
