"""Put real questions to the site's search: ``nox -s search``, once the site is built.

``questions.tsv`` holds what PyTorch users asked in public, each with the cards that answer it.
One half was open to those who wrote the cards. The other half was set aside before, and is
looked at to measure and for nothing else; so ``-- --misses`` names misses of the open half only.
A question counts as answered if one of its cards is among the first four results.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from proofsheet import tsv
from proofsheet.browser import launched, served

TABLE = Path(__file__).with_name("questions.tsv")
HALVES, LANGUAGES = ("open", "aside"), ("en", "zh_CN")
FIRST = 4  # results that a reader looks at
GOAL = 0.9


def questions():
    """Rows of the table: half, language, query, answers, source."""
    return tsv.read(TABLE)


def ask(page, queries):
    """The answers of the search of ``page``, an open page of the site."""
    page.keyboard.press("Control+k")
    page.wait_for_function("window.proofsheetSearch")
    script = """async (queries) => {
        await proofsheetSearch.whole;
        return Promise.all(queries.map(proofsheetSearch.search));
    }"""
    return page.evaluate(script, queries)


def answered(row, found):
    """The place of the first of ``found`` that answers the question, from 0, or None.

    Where a step of an example answers, so does the example, which opens with what it shows.
    """
    answers = row["answers"].split()
    pages = {one.partition("#")[0] for one in answers if one.startswith("gallery/")}
    steps = tuple(one for one in answers if "#" in one)
    whole = pages.union(one for one in answers if "#" not in one)
    places = (
        i for i, one in enumerate(found) if one["url"] in whole or one["url"].startswith(steps)
    )
    return next(places, None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--misses", action="store_true", help="those of the open half, by name")
    options = parser.parse_args()
    rows, right, total = questions(), Counter(), Counter()
    with served() as address, launched() as browser:
        for language in LANGUAGES:
            page = browser.new_page()
            page.goto(f"{address}{language}/index.html")
            mine = [row for row in rows if row["language"] == language]
            answers = ask(page, [row["query"] for row in mine])
            for row, answer in zip(mine, answers, strict=True):
                place = answered(row, answer["found"])
                key = row["half"], language
                total[key] += 1
                right[key] += place is not None and place < FIRST
                if options.misses and row["half"] == "open" and (place is None or place >= FIRST):
                    first = ", ".join(one["url"] for one in answer["found"][:FIRST])
                    print(f"{language}: {row['query']}: {place}")
                    print(f"    wanted {row['answers']}\n    found {first}")
    print("| half | language | questions | answered among the first four |\n|---|---|---:|---:|")
    for half in HALVES:
        for language in LANGUAGES:
            n, k = total[half, language], right[half, language]
            print(f"| {half} | {language} | {n} | {k / max(1, n):.0%} |")
    return int(any(right["aside", one] < GOAL * total["aside", one] for one in LANGUAGES))


if __name__ == "__main__":
    sys.exit(main())
