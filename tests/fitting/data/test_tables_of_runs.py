"""Tables are read whole, whatever their form, or refused in one message that names every cell."""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fitting import Runs, WeakDesignWarning, bundled_runs, fit
from jaxlaws.foundations.errors import DataError
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised

GOOD = {
    "num_params": [1e6, 3e6, 1e7, 3e7, 1e8, 3e8],
    "num_tokens": [1e9, 1e8, 1e10, 3e8, 3e9, 2e8],
    "loss": [4.1, 3.9, 3.2, 3.3, 2.8, 2.9],
}


def write_csv(path, columns):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def as_file(form, folder):
    """The good table in one of the forms."""
    records = [dict(zip(GOOD, cells, strict=True)) for cells in zip(*GOOD.values(), strict=True)]
    path = folder / f"runs.{form}"
    if form == "csv":
        return write_csv(path, GOOD)
    if form == "tsv":
        lines = ["\t".join(GOOD)] + ["\t".join(map(str, each.values())) for each in records]
        path.write_text("\n".join(lines) + "\n")
    elif form == "jsonl":
        path.write_text("\n".join(json.dumps(each) for each in records))
    elif form == "parquet":
        parquet.write_table(pa.table(GOOD), path)
    elif form == "frame":
        return pa.table(GOOD)
    else:
        return GOOD
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet", "frame", "mapping"])
def test_every_form_reads_the_same(form, tmp_path):
    runs = Runs.read(as_file(form, tmp_path))
    assert len(runs) == 6
    np.testing.assert_array_equal(runs.loss, GOOD["loss"])
    for name in Chinchilla.input_names:
        np.testing.assert_array_equal(runs.inputs[name], GOOD[name])


def test_columns_of_other_names_and_numbers_as_people_write_them(tmp_path):
    columns = {
        "N": ["1.5B", "300M", "7e9", " 2_000_000 "],
        "num_tokens": ["20B", "1.5T", "3e10", "400000000"],
        "final": ["2.5", "2.75", "2.25", "3.5"],
        "note": ["a", "", "b", "c"],
    }
    path = write_csv(tmp_path / "theirs.csv", columns)
    runs = Runs.read(path, {"num_params": "N", "loss": "final"})
    assert runs.inputs["num_params"].tolist() == [1.5e9, 3e8, 7e9, 2e6]
    assert runs.inputs["num_tokens"].tolist() == [2e10, 1.5e12, 3e10, 4e8]
    assert runs.loss.tolist() == [2.5, 2.75, 2.25, 3.5]
    assert runs.others["note"].tolist() == ["a", "", "b", "c"]


def test_a_spreadsheets_mark_and_blank_lines_are_no_cells(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("\ufeffnum_params,num_tokens,loss\n\n1e6,1e8,4\n,,\n1e7,3e8,3\n1e8,2e8,2.5\n")
    runs = Runs.read(path)
    assert runs.rows.tolist() == [3, 5, 6]  # lines of the file


BAD = [
    ("loss", "nan", "is missing"),
    ("loss", "", "is missing"),
    ("loss", "inf", "is not finite"),
    ("loss", "0", "is not above zero"),
    ("loss", "low", "is not a number"),
    ("num_tokens", "-5", "is not above zero"),
    ("num_params", "1.5X", "is not a number"),
    ("num_params", "N/A", "is missing"),
    ("num_params", "0", "is not above zero"),
]


@pytest.mark.parametrize(("column", "cell", "why"), BAD)
def test_one_bad_cell_is_reported_with_its_place(column, cell, why, tmp_path):
    columns = {name: [str(value) for value in cells] for name, cells in GOOD.items()}
    columns[column][3] = cell
    path = write_csv(tmp_path / "bad.csv", columns)
    with pytest.raises(DataError) as caught:
        Runs.read(path, law_type=Chinchilla)
    reported, _, where = str(caught.value).partition("\n  Rows without a value can be left out: ")
    can_be_left_out = why == "is missing" or column == "loss"
    where, *advice = where.split("\n  An outcome that may be zero or negative ")
    assert where == (f"--where '{column} > 0'" if can_be_left_out else "")
    what = repr(cell) if cell else "the value"
    assert reported == f"{path}:\n  row 5, column {column}: {what} {why}"
    assert len(advice) == ((column, cell) == ("loss", "0"))


@pytest.mark.parametrize("cell", [None, float("nan"), float("inf"), True, -1, 0.0, "x", [2.0]])
def test_bad_cells_that_are_no_text(cell):
    with pytest.raises(DataError, match=r"the table:\n  row 2, column loss: "):
        Runs.read(GOOD | {"loss": [4.1, cell, 3.2, 3.3, 2.8, 2.9]})


def test_all_bad_cells_are_reported_up_to_a_limit(tmp_path):
    columns = {"num_params": ["x"] * 13, "num_tokens": ["-1"] * 13, "loss": ["3"] * 12 + ["nan"]}
    with pytest.raises(DataError) as caught:
        Runs.read(write_csv(tmp_path / "bad.csv", columns), law_type=Chinchilla)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[1] == "  row 2, column num_params: 'x' is not a number"
    assert lines[2] == "  row 2, column num_tokens: '-1' is not above zero"
    assert lines[-1] == "  and 7 more"


def test_a_column_of_another_name_is_reported_by_its_own(tmp_path):
    path = write_csv(tmp_path / "bad.csv", {"N": ["1", "?"], "loss": ["2", "3"]})
    with pytest.raises(DataError, match=r"row 3, column N: '\?' is not a number"):
        Runs.read(path, {"num_params": "N"})


@pytest.mark.parametrize(
    ("name", "content", "reported"),
    [
        ("empty.csv", "", "is empty"),
        ("header.csv", "num_params,num_tokens,loss\n", "has no rows"),
        ("short.csv", "num_params,loss\n1e6\n", "row 2 has 1 cells, the header 2"),
        ("twice.csv", "loss,loss\n1,2\n", "repeats 'loss'"),
        ("quote.csv", 'num_params,loss\n1e6,"2\n', "not a table of text"),
        ("runs.xls", "x", "expected a file of type .csv"),
        ("runs.xlsx", "x", "not an Excel file"),
        ("half.jsonl", '{"loss": 3.0}\n{"loss": ', "row 2 is not JSON"),
        ("list.jsonl", "[1, 2]\n", "row 1 is not a JSON object"),
        ("text.parquet", "no parquet", "is not a Parquet file"),
        ("no_loss.csv", "num_params,num_tokens\n1e6,1e8\n", "has no column loss"),
        ("close.csv", "num_params,num_tokens,losses\n1,1,1\n", "did you mean 'losses'"),
    ],
)
def test_files_that_are_no_tables_of_runs(name, content, reported, tmp_path):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        Runs.read(path)
    assert reported in str(caught.value)
    assert name in str(caught.value)


def test_random_bytes_are_no_table(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, 4096, dtype=np.uint8).tobytes()
    for suffix in ("csv", "jsonl", "parquet"):
        path = tmp_path / f"noise.{suffix}"
        path.write_bytes(noise)
        with pytest.raises(DataError, match=f"noise.{suffix}"):
            Runs.read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        Runs.read(tmp_path / "none.csv")


def test_what_is_no_table_at_all():
    with pytest.raises(TypeError, match="data frame"):
        Runs.read(17)
    with pytest.raises(DataError, match="different lengths: num_params 2, loss 1"):
        Runs.read({"num_params": [1.0, 2.0], "loss": [3.0]})


def test_a_missing_input_column_is_reported_with_the_remedy():
    with pytest.raises(DataError, match=r"no column num_tokens.*--column num_tokens="):
        Runs.read({"num_params": [1e6], "loss": [3.0]}, law_type=Chinchilla)
    with pytest.raises(DataError, match="no column 'D'"):
        Runs.read(GOOD, {"num_tokens": "D"})
    with pytest.raises(ValueError, match="did you mean 'num_tokens'"):
        Runs.read(GOOD, {"num_token": "num_tokens"})


@pytest.mark.filterwarnings("ignore::fitting.WeakDesignWarning")
@pytest.mark.parametrize("law_type", [Chinchilla, Supervised])
def test_too_few_runs_for_the_coefficients(law_type):
    few = {name: cells[:5] for name, cells in GOOD.items()}
    with pytest.raises(ValueError, match=r"5 runs are too few for the \d coefficients"):
        fit(law_type, Runs.read(few))
    one = {name: cells[:1] for name, cells in GOOD.items()}
    with pytest.raises(ValueError, match="1 run is too few"):
        fit(law_type, Runs.read(one))


def test_runs_are_immutable():
    runs = Runs.read(GOOD)
    with pytest.raises(ValueError, match="read-only"):
        runs.loss[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        runs.where(runs.loss > 3).inputs["num_params"][0] = 1.0


MIXED = {
    "num_params": [1e6, None, 1e7, None, 1e8],
    "num_tokens": [1e9, None, 1e8, None, 3e8],
    "num_student_params": [None, 1e6, None, 2e6, None],
    "num_student_tokens": [None, 1e8, None, 3e8, None],
    "teacher_loss": [None, 3.0, None, 2.5, None],
    "loss": [4.0, 3.9, 3.5, 3.4, 3.0],
}


@pytest.mark.filterwarnings("ignore::fitting.data.design_checks.WeakDesignWarning")
def test_a_mixed_table_gives_each_law_its_rows():
    runs = Runs.read(MIXED)
    supervised, distilled = runs.for_law(Chinchilla), runs.for_law(DistillationLimit)
    assert supervised.loss.tolist() == [4.0, 3.5, 3.0]
    assert distilled.loss.tolist() == [3.9, 3.4]
    assert supervised.left is not None
    assert supervised.left.rows.tolist() == distilled.rows.tolist()
    # What was left out is still at hand.
    assert supervised.for_law(DistillationLimit).rows.tolist() == [2, 4]


@pytest.mark.filterwarnings("ignore::fitting.data.design_checks.WeakDesignWarning")
def test_only_the_rows_that_a_law_calls_for_must_be_whole():
    broken = MIXED | {"num_student_tokens": [None, 1e8, None, "", None]}
    assert len(Runs.read(broken, law_type=Chinchilla)) == 3
    with pytest.raises(DataError, match=r"row 4, column num_student_tokens: the value is missing"):
        Runs.read(broken, law_type=DistillationLimit)


def test_a_kind_that_has_columns_but_no_row():
    """Such a table is sound: what it lacks is reported to a law that wants it, and not before."""
    empty: list[None] = [None] * 6
    names = ("num_student_params", "num_student_tokens", "teacher_loss")
    runs = Runs.read(GOOD | dict.fromkeys(names, empty))
    assert len(runs.for_law(Chinchilla)) == 6
    with pytest.raises(DataError, match="no row has num_student_params"):
        runs.for_law(DistillationLimit)


def weak(**changes):
    return GOOD | changes


@pytest.mark.parametrize(
    ("columns", "reported"),
    [
        (weak(num_params=[1e6, 1e6, 1e8] * 2), "num_params has 2 levels"),
        (weak(num_tokens=[2e9] * 6), "num_tokens has 1 level, fewer than 3"),
        (weak(num_tokens=[2e7, 6e7, 2e8, 6e8, 2e9, 6e9]), r"a power of num_params.*\(20 num_tok"),
        ({name: [*cells, cells[0]] for name, cells in GOOD.items()}, "row 7 repeats row 1"),
    ],
)
def test_weak_designs_are_reported(columns, reported):
    with pytest.warns(WeakDesignWarning, match=reported):
        runs = Runs.read(columns)
    assert len(runs.weaknesses(Chinchilla.input_names)) == 1


def test_a_sound_design_is_not_warned_of():
    assert Runs.read(GOOD).weaknesses(Chinchilla.input_names) == ()


@pytest.mark.parametrize(("kind", "law_type"), [
    ("supervised", Chinchilla), ("distilled", DistillationLimit)
])  # fmt: skip
def test_bundled_runs_are_whole(kind, law_type):
    runs = bundled_runs(kind)
    assert len(runs) >= 25
    assert set(runs.others["kind"]) == {kind}
    assert set(runs.others["status"]) == {"ok"}
    for name in law_type.input_names:
        assert np.all(runs.inputs[name] > 0)
    assert np.all((runs.loss > 0.5) & (runs.loss < np.log(128)))  # nats per byte of 128
    with pytest.raises(ValueError, match="supervised, distilled"):
        bundled_runs("destilled")
