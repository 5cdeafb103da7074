"""Tables with rows that are no runs, and files that hold no table of runs."""

import numpy as np
import pytest
from plain_tables import LOSS, SIZES, TOKENS, columns, write_csv

from fitting import Runs, TableNote
from jaxlaws.foundations.errors import DataError
from jaxlaws.laws.chinchilla import Chinchilla

MEAN = f"{SIZES.mean():.0f},{TOKENS.mean():.0f},{LOSS.mean():.5f}"


def read_with(tmp_path, below, suffix=".csv", **changes):
    path = write_csv(tmp_path / f"runs{suffix}", {"run": range(12), **columns(**changes)})
    path.write_text(path.read_text() + below)
    return Runs.read(path, law_type=Chinchilla)


@pytest.mark.parametrize(
    ("below", "says"),
    [
        (f"mean,{MEAN}\n", r"row 14 \(mean\)"),
        (f",,,\nAvg.,,,{LOSS.mean():.4f}\n", r"row 15 \(Avg.\)"),
        ("Grand total:,3e9,1e12,\n", r"row 14 \(Grand total:\)"),
        (f"mean,{MEAN}\nstd,5e8,2e10,0.41\nmax,9e8,9e10,3.1\n", r"\(mean\).*\(std\).*\(max\)"),
        (f",{MEAN}\n", "the mean of the rows above"),
        ("\nNote: cosine schedule\n* evaluated on 5M tokens, by hand\n", "text below.*row 15"),
        (",,,\nNote: cosine schedule,,,\n", "text below the table.*row 15: 'Note: cosine"),
    ],
)
def test_summaries_and_notes_below_a_table_are_left_out(below, says, tmp_path):
    with pytest.warns(TableNote, match=says):
        runs = read_with(tmp_path, below)
    assert runs.rows.tolist() == list(range(2, 14))


def test_statistics_of_most_rows_and_incomplete_runs_stay(tmp_path, recwarn):
    cells = {"pooling": ["mean"] * 9 + ["max"] * 3, **columns()}
    assert len(Runs.read(write_csv(tmp_path / "runs.csv", cells))) == 12
    assert not [each for each in recwarn if each.category is TableNote]
    with pytest.raises(DataError, match="row 14, column num_tokens: the value is missing"):
        read_with(tmp_path, "12,1e9,,\n")
    with pytest.raises(DataError, match="row 14 has 2 cells"):
        read_with(tmp_path, "12,1e9\n")


def test_notes_below_a_sheet_of_excel_are_left_out(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    names = ["params", "tokens", "loss"]
    rows = zip(SIZES, TOKENS, LOSS, strict=True)
    for line in [names, *rows, [None], ["average", None, LOSS.mean()], ["all on C4"]]:
        book.active.append([float(c) if isinstance(c, np.float64) else c for c in line])
    book.save(tmp_path / "runs.xlsx")
    with pytest.warns(TableNote, match=r"row 16: 'all on C4'; rows that .* row 15 \(average\)"):
        assert len(Runs.read(tmp_path / "runs.xlsx", law_type=Chinchilla)) == 12


@pytest.mark.parametrize("names", [("a - val/loss", "b - val/loss"), ("a - x", "a - x__MIN")])
def test_a_chart_of_wandb_is_named(names, tmp_path):
    cells = {"Step": range(12)} | dict.fromkeys(names, LOSS)
    with pytest.raises(DataError, match=r"a chart that W&B exported.*column for each run \(a"):
        Runs.read(write_csv(tmp_path / "chart.csv", cells), law_type=Chinchilla)


LATEX = (
    "\\begin{tabular}{rrr}\nnum_params & num_tokens & loss \\\\\n\\hline\n1e8 & 1e9 & 3.2 \\\\\n"
)
HTML = "<table><tr><th>num_params</th></tr>\n<tr><td>1e8</td></tr></table>\n"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("runs.csv", LATEX, "a table in LaTeX"),
        ("runs.tex", LATEX, "a table in LaTeX"),
        ("runs.txt", LATEX.split("\n", 1)[1].replace("\\hline\n", ""), "commas in place of &"),
        ("runs.csv", HTML, "a table in HTML"),
        ("runs.html", f"<!DOCTYPE html>\n<body>{HTML}", "pandas.read_html"),
        ("runs.md", f"# Results\n\n{HTML}", "a table in HTML"),
    ],
)
def test_markup_is_named(name, text, says, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=says):
        Runs.read(path)


@pytest.mark.parametrize("best_of", [False, True])
def test_the_remedy_for_copies_of_rows_works(best_of, tmp_path, recwarn):
    cells = {name: [*values, *values[:3]] for name, values in columns().items()}
    runs = Runs.read(write_csv(tmp_path / "runs.csv", cells), best_of=best_of)
    assert len(runs) == (12 if best_of else 15)
    warned = [each for each in recwarn if "row 14 repeats row 2" in str(each.message)]
    assert len(warned) == (not best_of)
    assert all("--best-of" in str(each.message) for each in warned)


def test_losses_of_several_texts_are_no_chart(tmp_path):
    cells = columns(loss=None) | {"wiki - loss": LOSS, "c4 - loss": 1.1 * LOSS}
    with pytest.raises(DataError, match="did you mean 'wiki - loss' or 'c4 - loss'"):
        Runs.read(write_csv(tmp_path / "runs.csv", cells), law_type=Chinchilla)
