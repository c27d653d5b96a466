"""The tables that the search reads: what means the same, and what says nothing."""

from collections import Counter

from docutils import nodes

from proofsheet import records, search
from questions import questions


def test_a_row_of_synonyms_joins_words_that_stand_nowhere_else():
    rows = search.synonyms()
    assert [row for row in rows if len(row) < 2] == []
    times = Counter(word for row in rows for word in row)
    assert [word for word, count in times.items() if count > 1] == []


def test_words_are_written_as_a_query_is_read():
    """In small letters, without spaces around them; a word is looked up or left out, not both."""
    known = [word for row in search.synonyms() for word in row]
    assert [word for word in known if word != word.strip().lower() or not word] == []
    left_out = search.stop_words()
    assert left_out == [word.lower() for word in left_out]
    assert not set(known) & set(left_out)
    assert len(left_out) == len(set(left_out))


def addresses():
    """Every page that is made of a script, its chapter, and its cards, as addresses."""
    for name in records.docnames():
        yield name
        yield f"{name.rpartition('/')[0]}/index"
        for card in records.module(name).cards:
            yield f"{name}#{nodes.make_id(card.name)}"


def test_readers_words_belong_to_a_card_or_page():
    known = {*addresses(), "quick", "messages", "reference/index", "gallery/index"}
    asked = search.questions()
    assert sorted(set(asked) - known) == []
    assert [row for row in asked.values() if not row["en"] or not row["zh_CN"]] == []
    assert sorted(set(search.pasted()) - known) == []


def test_each_question_is_answered_by_what_there_is_or_says_that_it_is_not():
    """Half of them were set aside before anyone wrote cards for the other half."""
    known = [
        address.replace("#", ".html#") + ".html" * ("#" not in address) for address in addresses()
    ]
    lost = [
        answer
        for row in questions()
        for answer in row["answers"].split()
        if answer != "-" and not any(address.startswith(answer) for address in known)
    ]
    assert lost == []
    halves = Counter((row["half"], row["language"]) for row in questions())
    assert sum(halves.values()) > 500
    assert halves["aside", "zh_CN"] > 60 < halves["open", "zh_CN"]
