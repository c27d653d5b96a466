"""Which cards answer a query: the search of the site once more, in plain Python.

The site's engine is ``docs/_static/search_engine.js`` on top of MiniSearch. The same words,
weights and rules (``docs/search/rules.toml``) lead to the same answers here; a test compares
both. A document is a card, an example or one of its steps, or a page; it has nine fields.

A word that stands ``f`` times in a field of length ``l`` scores as in BM25+, with the field's
mean length ``m``, with ``n`` of ``N`` documents that have the word in this field, and with
MiniSearch's constants ``k = 1.2``, ``b = 0.7``, ``d = 0.5``::

    log(1 + (N - n + 0.5) / (n + 0.5)) * (d + f * (k + 1) / (f + k * (1 - b + b * l / m)))

Source: Y. Lv and C. Zhai, "Lower-bounding term frequency normalization", CIKM 2011; the way
MiniSearch writes it: https://github.com/lucaong/minisearch (``calcBM25Score``).
"""

import math
import re
from itertools import pairwise

# Fields that are looked through together: only within one of these groups must all pairs of a
# Chinese word be found. The site loads the groups one after the other.
GROUPS = (("name", "title", "asked", "errors", "module"), ("more", "apis", "text"), ("others",))
FIELDS = tuple(field for group in GROUPS for field in group)
K, B, D = 1.2, 0.7, 0.5  # of BM25+
PREFIX, FUZZY = 0.375, 0.45  # what MiniSearch gives for the beginning of a word, a misspelt one


class Words:
    """Takes texts and queries apart, by the patterns of ``rules``."""

    def __init__(self, rules, synonyms=(), stop_words=()):
        self.rules = rules
        # As in JavaScript without the flag u: \b and \s speak of ASCII, near enough.
        self.of = {name: re.compile(text, re.ASCII) for name, text in rules["patterns"].items()}
        self.empty = set(stop_words)
        self.synonyms = {
            word: [other for other in row if other != word] for row in synonyms for word in row
        }
        self.longest = max(map(len, self.synonyms), default=1)

    def han(self, text):
        """Whether ``text`` has a Han character."""
        return bool(self.of["han"].search(text))

    def tokens(self, text, field):
        """What ``text`` is found by in ``field``.

        "warm-up" is found as "warmup", too. A word counts once per field, except in prose: a
        title that says a name twice is no better. Of a name only tails count as the name;
        "stack" is a word of column_stack, not its name.
        """
        if field == "name":
            return [tail for name in text.split(" ") for tail in tails(name)]
        found = []
        for word in self.of["word"].findall(text):
            if self.han(word):
                found += [*word, *(pairs(word) if len(word) > 1 else ())]
            else:
                found += self.latin(word)
        found += [word.replace("-", "").lower() for word in self.of["hyphened"].findall(text)]
        return found if field == "text" else list(dict.fromkeys(found))

    def latin(self, word):
        """A dotted name: the whole, its tails, its parts, and the words of a part."""
        found = dict.fromkeys(tails(word))
        for part in word.split("."):
            found[part.lower()] = None
            for piece in filter(None, part.split("_")):
                found[piece.lower()] = None
                humps = self.of["hump"].findall(piece)
                if len(humps) > 1:
                    found |= dict.fromkeys(hump.lower() for hump in humps)
        return list(found)

    def segment(self, run):
        """Cut Han text, which has no spaces: known words first, what is left stays together."""
        found, rest, at = [], "", 0
        while at < len(run):
            size = min(self.longest, len(run) - at)
            while size > 1 and not self.known(run[at : at + size]):
                size -= 1
            if size > 1 or run[at] in self.empty:
                found += [rest] if rest else []
                found.append(run[at : at + size])
                rest = ""
            else:
                rest += run[at]
            at += size
        return found + ([rest] if rest else [])

    def known(self, word):
        """Whether ``word`` stands in one of the tables."""
        return word in self.synonyms or word in self.empty

    def wanted(self, query):
        """The words of a query, each with its weight: ``[(word, weight)]``.

        Of an unknown run of Han text any pair may be a word; together they weigh as one.
        """
        words = []
        for word in self.of["word"].findall(query):
            words += self.segment(word) if self.han(word) else [word.lower()]
        words = [word for word in words if word not in self.empty] or words
        found = []
        for word in words:
            parts = pairs(word) if self.han(word) and word not in self.synonyms else [word]
            found += [(part, 1 / len(parts)) for part in parts]
        return found

    def spoken(self, message):
        """Words of a message, and pairs of them side by side, which say more than one."""
        message = self.of["message"].sub(" ", message).lower()
        found = [word for word in self.of["spoken"].findall(message) if len(word) > 1]
        return dict.fromkeys([*map(" ".join, pairwise(found)), *found])

    def message(self, query):
        """Of a traceback what stands below it, and nothing that is the name of a file."""
        starts = list(self.of["message"].finditer(query))
        if starts and self.of["traceback"].search(query):
            query = query[starts[-1].start() :]
        return self.of["file"].sub(" ", query)


def tails(word):
    """``torch.nn.Linear``: itself, ``nn.linear``, ``linear``."""
    parts = word.lower().split(".")
    return [".".join(parts[i:]) for i in range(len(parts))]


def pairs(run):
    """Characters of ``run`` side by side; a single one stands for itself."""
    return [run] if len(run) < 2 else [run[i : i + 2] for i in range(len(run) - 1)]


def near(word, vocabulary, distance):
    """Words of ``vocabulary`` that differ from ``word`` in 1 to ``distance`` letters: pairs of them
    and the number of letters.

    Of ``distance + 1`` pieces of ``word`` one at least must be unharmed: only what has one of
    them near its place is compared. ``vocabulary`` is a text, a word in each line.
    """
    cuts = [len(word) * i // (distance + 1) for i in range(distance + 2)]
    seen, found = set(), []
    for start, stop in pairwise(cuts):
        at = vocabulary.find(word[start:stop])
        while at >= 0:
            left, right = vocabulary.rfind("\n", 0, at) + 1, vocabulary.find("\n", at)
            if (
                abs(at - left - start) <= distance
                and abs(right - left - len(word)) <= distance
                and left not in seen
            ):
                seen.add(left)
                other = vocabulary[left:right]
                if 0 < (apart := _apart(word, other, distance)) <= distance:
                    found.append((other, apart))
            at = vocabulary.find(word[start:stop], at + 1)
    return found


def _apart(one, other, limit):
    """Levenshtein's distance, or something above ``limit``."""
    row = range(len(other) + 1)
    for i, char in enumerate(one, 1):
        last, row = row, [i]
        for j, its in enumerate(other):
            row.append(min(last[j] + (char != its), last[j + 1] + 1, row[j] + 1))
        if min(row) > limit:
            break
    return row[-1] if len(row) == len(other) + 1 else limit + 1


class Search:
    """Ranks the documents of an ``index``, which :class:`store.Store` reads from a file.

    It has ``rules``, ``words``, ``vocabulary``, ``count`` (of documents), ``kinds``, ``titles``
    and ``places`` (each by document), ``rest(field)`` and the methods used below.
    """

    def __init__(self, index):
        self.index, self.words = index, index.words
        self.weights, self.limits = index.rules["weights"], index.rules["limits"]
        self._gains = {}

    def search(self, query):
        """The best documents for ``query``, and what the cards do not have.

        Each word is looked up alone; a card counts by how well it matches each, and by how many.

        Returns:
            (found, unknown): ``found`` is ``[(document, score)]``, best first; ``unknown`` is
            None, or ``{"message": True}`` if no card quotes the message that was pasted, or
            ``{"name": ..., "url": ...}`` of a name in PyTorch that no card shows.
        """
        message, pattern = self.words.message(query), self.words.of
        pasted = bool(pattern["message"].search(query))
        boost = self.index.rules["pastedBoost" if pasted else "boost"]
        text = query
        if pasted:
            text = pattern["number"].sub(" ", pattern["message"].sub(" ", message))
        wanted = self.words.wanted(text)
        found, had, rare = {}, {}, []
        for i, (word, weight) in enumerate(wanted):
            typing, having = not pasted and i == len(wanted) - 1, set()
            for group in GROUPS:
                for document, score in self._matches(word, typing, boost, group).items():
                    found[document] = found.get(document, 0) + weight * score
                    had.setdefault(document, set()).add(i)
                    having.add(document)
            rare.append(weight * math.log(1 + self.index.count / (len(having) + 1)))
        liking = self._liking(query)
        for document in found:
            share = sum(rare[i] for i in had[document]) / sum(rare)
            found[document] *= liking(document) * share ** self.weights["lacking"]
        # Cards that quote what was pasted come before all others.
        top = max([1, *found.values()])
        shares = self._alike(message)
        known = shares is None
        for document, share in (shares or {}).items():
            if share >= self.limits["known" if pasted else "alike"]:
                known = True
                add = top * self.weights["pasted"] * share**2
                found[document] = add + found.get(document, 0)
        best = sorted(found.items(), key=lambda one: -one[1])[: self.limits["shown"]]
        if pasted:
            return best, None if known else {"message": True}
        return best, self._unknown_name(query.strip())

    def _liking(self, query):
        """How much a document counts by what it is, whatever words it has."""
        asked = self.words.of["error"].search(query.lower())
        phrase, index = query.strip().lower(), self.index
        kinds, weights, error = index.rules["kinds"], self.weights, self.words.of["error"]

        def liking(document):
            title = index.titles[document].lower()
            liked = kinds.get(index.kinds[document])
            if liked is None:
                liked = weights["error"] if not asked and error.search(title) else 1
                liked *= 1 + weights["first"] / (1 + index.places[document]) ** 2
            return liked * (weights["phrase"] if phrase in title else 1)

        return liking

    # --- one word -----------------------------------------------------------------------------

    def _matches(self, word, typing, boost, group):
        """What ``word`` may stand for, in the fields of ``group``: ``{document: score}``."""
        weights, limits, found = self.weights, self.limits, {}
        for other in self.words.synonyms.get(word, ()):
            if self.words.han(other):
                _add(found, self._all(pairs(other), weights["synonym"], boost, group))
            else:
                self._begins(found, other, weights["synonym"], boost, group)
        if self.words.han(word):
            _add(found, self._all(pairs(word), 1, boost, group))
            return found
        self._exactly(found, word, 1, boost, group)
        self._begins(found, word, 1, boost, group, typing)
        parts = word.split(".")
        for i in range(1, len(parts)):
            self._exactly(found, ".".join(parts[i:]), weights["tail"] ** i, boost, group)
        stem = self.words.of["ending"].sub("", word)
        if stem != word and len(stem) >= limits["stem"]:
            self._begins(found, stem, weights["stem"], boost, group)
        if len(word) >= limits["long"] and len(parts) == 1:
            distance = min(6, int(len(word) * limits["fuzzy"] + 0.5))
            self._exactly(found, word, weights["fuzzy"], boost, group)
            for other, apart in self.index.near(word, distance):
                weight = weights["fuzzy"] * FUZZY * len(other) / (len(other) + apart)
                self._exactly(found, other, weight, boost, group)
        return found

    def _all(self, words, weight, boost, group):
        """Documents that have all of ``words``."""
        found = {}
        for i, word in enumerate(words):
            its = {}
            self._exactly(its, word, weight, boost, group)
            found = its if i == 0 else {d: found[d] + its[d] for d in its if d in found}
        return found

    def _exactly(self, found, word, weight, boost, group):
        self._score(found, self.index.postings(word), weight, boost, group)

    def _begins(self, found, word, weight, boost, group, typing=False):
        """A word may be the beginning of another one; of a name only while it is being typed."""
        boost = {**boost, "name": self.weights["typing"] if typing else 1}
        self._exactly(found, word, weight, boost, group)
        for longer, postings in self.index.beginning(word):
            more = PREFIX * len(longer) / (len(longer) + 0.3 * (len(longer) - len(word)))
            self._score(found, postings, weight * more, boost, group)

    def _score(self, found, postings, weight, boost, group):
        count = self.index.count
        for field, documents, times in postings:
            if field in group:
                n = len(documents)
                rare = math.log(1 + (count - n + 0.5) / (n + 0.5))
                rare *= weight * boost["asked" if field == "others" else field]
                gains, rest = self._gain(field)
                for document, f in zip(documents, times, strict=True):
                    gain = gains[document] if f == 1 else D + f * (K + 1) / (f + rest[document])
                    found[document] = found.get(document, 0.0) + rare * gain

    def _gain(self, field):
        """By document: what one occurrence in ``field`` gives, and what its length takes."""
        if field not in self._gains:
            lengths, mean = self.index.lengths(field)
            rest = [K * (1 - B + B * length / mean) for length in lengths]
            self._gains[field] = [D + (K + 1) / (1 + one) for one in rest], rest
        return self._gains[field]

    # --- messages and names -------------------------------------------------------------------

    def _alike(self, message):
        """How much of a pasted message each card's message has: ``{document: share}``.

        Of a short one: None.
        """
        wanted = self.words.spoken(message)
        if len(wanted) < self.limits["pairs"]:
            return None
        messages, common, whole = self.index.messages(), {}, 0.0
        for pair in wanted:
            quoting = self.index.quoting(pair)
            weight = rarity(pair, len(quoting), len(messages), self.weights["pair"])
            whole += weight
            for number in quoting:
                common[number] = common.get(number, 0.0) + weight
        shares = {}
        for number, sum_ in common.items():
            document, its = messages[number]
            # What is pasted may go on where a card's message ends, and be cut off where that
            # goes on.
            share = sum_ / min(whole, max(its, whole / 2))
            shares[document] = max(share, shares.get(document, 0))
        return shares

    def _unknown_name(self, query):
        """A name of PyTorch without a card. A word that is no more than a word asks for none."""
        asked = query.partition("(")[0]
        return self.index.listed(asked.lower()) if self.words.of["name"].search(asked) else None


def rarity(pair, quoting, messages, single):
    """The weight of a word, or of two side by side, that ``quoting`` of ``messages`` have."""
    return math.log(1 + messages / (quoting + 0.5)) * (1 if " " in pair else single)


def _add(found, more):
    for document, score in more.items():
        found[document] = found.get(document, 0.0) + score
