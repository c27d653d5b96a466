"""The tables that the search reads: what means the same, and what says nothing."""

from collections import Counter

from proofsheet import search


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
