"""Tables fit their width, and no number is broken."""

import random

import pytest

from jaxlaws.foundations.text.cells import cell, times_outside
from jaxlaws.foundations.text.table_columns import columns
from jaxlaws.foundations.text.tables import Table, fitting_tables, table_html, table_text

HEADS = ["budget", "student parameters", "tokens per parameter", "teacher loss (nats)", "loss"]


def _random_table(seed):
    rng = random.Random(seed)
    rows = [
        [f"{rng.uniform(1, 9):.{rng.randint(1, 9)}f}" for _ in HEADS] for _ in range(2 + seed % 5)
    ]
    return Table(HEADS, rows)


@pytest.mark.parametrize("width", [24, 40, 60, 80])
@pytest.mark.parametrize("seed", range(8))
def test_every_number_is_whole_in_every_width(seed, width):
    table = _random_table(seed)
    text = table_text(table, width)
    assert max(map(len, text.splitlines())) <= width
    found = text.split()
    for row in table.rows:
        for number in row:
            assert number in found


def test_each_part_repeats_the_first_column():
    table = _random_table(3)
    parts = fitting_tables(table, 30)
    assert len(parts) > 1
    assert [head for part in parts for head in part.heads[1:]] == HEADS[1:]
    for part in parts:
        assert [row[0] for row in part.rows] == [row[0] for row in table.rows]


def test_a_wide_table_of_one_row_is_turned():
    row = ["1e21", "1.5B", "245.75", "2.1234", "2.3456"]
    text = table_text(Table(HEADS, [row]), 40)
    lines = [line.split() for line in text.splitlines()]
    assert ["teacher", "loss", "(nats)", "2.1234"] in lines
    assert lines[0] == ["budget", "1e21"]


def test_sentences_are_broken_between_words():
    words = "a sentence of more than forty characters that has to take several lines here"
    text = table_text(Table(["name", "note"], [["first", words]]), 40)
    assert max(map(len, text.splitlines())) <= 40
    assert " ".join(text.split()).endswith(words)


def test_east_asian_signs_take_two_columns():
    lines = table_text(Table(["name", "loss"], [["日本", "2.5"], ["abcd", "2.4"]]), 80).splitlines()
    assert lines[2] == "日本   2.5"
    assert lines[3] == "abcd   2.4"


def test_html_shows_markup_as_text():
    shown = table_html(Table(["<b>"], [["<script>"]]))
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_further_axes_are_lists():
    found = columns({"size": [1, 2], "losses": [[3.0, 2.9], [2.5, 2.4]]}, (2,))
    assert found == {"size": [1, 2], "losses": [[3.0, 2.9], [2.5, 2.4]]}
    assert cell("losses", found["losses"][1]) == "2.5000, 2.4000"


def test_a_distance_is_a_factor_from_five_per_cent_on():
    assert times_outside(0.021) is None  # 4.95%
    assert times_outside(0.0213) == "1.05"  # 5.03%
    assert times_outside(float("nan")) is None
    assert cell("extrapolation_decades", 0.5) == "3.16×"
    assert cell("extrapolation_decades", 0.0) == "no"
    assert cell("extrapolation_decades", None) == "unknown"


def test_texts_are_aligned_to_the_left_and_numbers_to_the_right():
    rows = [["1B", "Chinchilla", "2.5", "–"], ["30B", "Kaplan", "–", "(12.25)"]]
    lines = table_text(Table(["size", "law", "loss", "margin"], rows), 80).splitlines()
    assert lines[2:] == ["1B    Chinchilla   2.5        –", "30B   Kaplan         –  (12.25)"]
