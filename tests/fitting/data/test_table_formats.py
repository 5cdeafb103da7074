"""One table in the formats that people have gives one table of runs; broken files, one error."""

import gzip
import io
import json
import re
import zipfile

import numpy as np
import pytest
from plain_tables import LOSS, SIZES, TOKENS, columns, write_csv

from fitting import Runs, TableNote, read_table
from jaxlaws.foundations.errors import DataError

HEADER = ("num_params", "num_tokens", "loss")
ROWS = list(zip(SIZES.tolist(), TOKENS.tolist(), LOSS.tolist(), strict=True))


def lines(form, separator=","):
    return "\n".join([separator.join(HEADER), *(separator.join(map(form, row)) for row in ROWS)])


def with_decimal_comma(number):
    return f"{number:.6f}".replace(".", ",")


def european(number):
    whole, _, digits = f"{number:,.6f}".partition(".")
    return f"{whole.replace(',', '.')},{digits}"


TEXTS = {
    "semicolons.csv": lines(repr, ";"),
    "tabs.tsv": lines(repr, "\t"),
    "tabs.csv": lines(repr, "\t"),
    "spaces.txt": lines(repr, "   "),
    "comments.csv": "# made by a script\n" + lines(repr).replace("\n", "\n# a remark\n", 1),
    "commented_header.txt": "# " + lines(repr, " "),
    "thousands.csv": lines(lambda x: f'"{x:,.6f}"'),
    "apostrophes.csv": lines(lambda x: f"{x:,.6f}".replace(",", "'")),
    "bom.csv": "\ufeff" + lines(repr),
    "windows.csv": lines(repr).replace("\n", "\r\n"),
    "empty_columns.csv": "\n".join(f"{line},," for line in lines(repr).splitlines()),
    "array.json": json.dumps([dict(zip(HEADER, row, strict=True)) for row in ROWS]),
    "wrapped.json": json.dumps({"runs": [dict(zip(HEADER, row, strict=True)) for row in ROWS]}),
    "beside.json": json.dumps(
        {"about": {"code": 1}, "runs": [dict(zip(HEADER, row, strict=True)) for row in ROWS]}
    ),
    "columns.json": json.dumps(dict(zip(HEADER, zip(*ROWS, strict=True), strict=True))),
    "split.json": json.dumps({"columns": HEADER, "data": ROWS}),
    "lines.json": "\n".join(json.dumps(dict(zip(HEADER, row, strict=True))) for row in ROWS),
    "lines.jsonl": "\n".join(json.dumps(dict(zip(HEADER, row, strict=True))) for row in ROWS),
    "no_suffix": lines(repr),
    "table.md": "# Runs\n\ntext\n\n| " + lines(repr, " | ").replace("\n", " |\n| ").replace(
        "loss |\n", "loss |\n| --- | :-: | --: |\n", 1
    ) + " |\n",
}  # fmt: skip


def same(runs, rtol=1e-9):
    np.testing.assert_allclose(runs.inputs["num_params"], SIZES, rtol=rtol)
    np.testing.assert_allclose(runs.inputs["num_tokens"], TOKENS, rtol=rtol)
    np.testing.assert_allclose(runs.loss, LOSS, rtol=max(rtol, 1e-6))


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_format_gives_the_same_table(name, tmp_path):
    (tmp_path / name).write_bytes(TEXTS[name].encode())
    same(Runs.read(tmp_path / name))
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(TEXTS[name].encode()))
    same(Runs.read(packed))


@pytest.mark.parametrize("form", [with_decimal_comma, european])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas(form, separator, tmp_path):
    (tmp_path / "runs.csv").write_text(lines(form, separator))
    with pytest.warns(TableNote, match="decimal commas"):
        same(Runs.read(tmp_path / "runs.csv"))


@pytest.mark.parametrize(
    ("heads", "sizes", "losses", "read"),
    [
        # A list, or another text that looks like a decimal comma, among numbers with points.
        (["12,16", "8", "8"], ["60", "70", "80"], ["3.141", "2.98", "2.75"], "3.141"),
        (["12,16", "8", "8"], ["60,000", "70,000", "80,000"], ["3.141", "2.98", "2.75"], "3.141"),
        # Commas between groups: a point, also in a number with a letter, is a decimal point.
        (["8", "8", "8"], ["1.5B", "2B", "3B"], ["3,141", "2,980", "2,750"], "3141"),
        (["8", "8", "8"], ["60,000", "70,000", "80,000"], ["3.141", "2.980", "2.750"], "3.141"),
        # Decimal commas, with a version, and with points between groups.
        (["1.2", "8", "8"], ["60", "70", "80"], ["3,141", "2,98", "2,75"], "3.141"),
        (["8", "8", "8"], ["60.000", "70.000", "80.000"], ["3,141", "2,98", "2,75"], "3.141"),
    ],
)
def test_what_a_comma_means(heads, sizes, losses, read, tmp_path):
    path = tmp_path / "runs.tsv"
    write_csv(path, {"heads": heads, "num_params": sizes, "loss": losses}, "\t")
    assert read_table(path).columns["loss"][0] == read


def test_markup_and_words_in_cells(tmp_path):
    body = "".join(
        f"| m{i} | {n / 1e6:.0f} million | {d / 1e9!r}B | **{loss:.8f}** |\n"
        for i, (n, d, loss) in enumerate(ROWS)
    )
    text = "| model | num_params | num_tokens | loss |\n|---|---:|---:|---:|\n" + body
    (tmp_path / "runs.md").write_text(text)
    same(Runs.read(tmp_path / "runs.md"))
    (tmp_path / "runs.md").write_text(f"{text}\n- a list\n    - an inner list\n")
    same(Runs.read(tmp_path / "runs.md"))
    (tmp_path / "two.md").write_text(f"{text}\n\n{text}")
    with pytest.raises(DataError, match="2 tables: it must have one"):
        Runs.read(tmp_path / "two.md")


def test_rows_are_numbered_as_a_person_counts(tmp_path):
    (tmp_path / "runs.csv").write_text(TEXTS["comments.csv"])
    assert read_table(tmp_path / "runs.csv").rows[:2] == [4, 5]
    (tmp_path / "runs.md").write_text(TEXTS["table.md"])
    assert read_table(tmp_path / "runs.md").rows[0] == 7


def test_standard_input(monkeypatch):
    class Input:
        buffer = io.BytesIO(TEXTS["array.json"].encode())

    monkeypatch.setattr("sys.stdin", Input)
    same(Runs.read("-"))


def test_not_a_number_in_json_is_a_missing_cell(tmp_path):
    rows = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    rows[1]["loss"], rows[2]["loss"] = np.nan, np.inf
    (tmp_path / "runs.json").write_text(json.dumps(rows))
    (tmp_path / "runs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for name in ("runs.json", "runs.jsonl"):
        with pytest.raises(DataError, match=r"loss: nan is missing\n.*row 3.*finite"):
            Runs.read(tmp_path / name)


@pytest.mark.parametrize(
    ("names", "data", "message"),
    [
        (HEADER, [], "has no rows"),
        (HEADER, [[1, 2, 3], [1, 2]], "row 2 has 2 cells, the header 3"),
        (HEADER, 5, "expected a list of names as 'columns' and a list of lists as 'data'"),
        (HEADER, [1, 2, 3], "a list of lists as 'data'"),
        (None, [[1]], "expected a list of names as 'columns'"),
        (["a", "a"], [[1, 2]], "repeats 'a'"),
    ],
)
def test_columns_and_data_that_do_not_match_are_refused(names, data, message, tmp_path):
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"columns": names, "data": data}))
    with pytest.raises(DataError, match=message) as caught:
        Runs.read(path)
    assert str(path) in str(caught.value)


@pytest.fixture
def book():
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    return book


def rewritten(path, pattern, text):
    """Replace a pattern in the first sheet of an Excel file, which is then not compressed."""
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name).decode() for name in packed.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet], count = re.subn(pattern, text, parts[sheet], count=1)
    assert count == 1
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)


@pytest.mark.parametrize("said", ["", '<dimension ref="A1"/>', '<dimension ref="A1:Z99"/>'])
def test_what_an_excel_file_says_about_its_size_does_not_matter(said, book, tmp_path):
    book.active.cell(3, 5, "a remark")  # of a column without a name; the other rows are shorter
    book.active.cell(1, 5, "remarks")
    book.save(tmp_path / "runs.xlsx")
    rewritten(tmp_path / "runs.xlsx", "<dimension[^>]*>", said)
    runs = Runs.read(tmp_path / "runs.xlsx")
    same(runs)
    assert runs.others["remarks"].tolist()[:3] == ["", "a remark", ""]


# The first text, among the texts of the file or in its cell.
_TEXT = 't="(s"><v>0</v>|inlineStr"><is><t>[^<]*</t></is>)'


def test_a_damaged_excel_file_gives_one_error(book, tmp_path, monkeypatch):
    path = tmp_path / "runs.xlsx"
    for pattern, text in [
        ("</sheetData>", ""),  # not XML
        (_TEXT, 't="s"><v>99</v>'),  # a text that the file does not have
        ('r="A2"', 'r="2"'),
    ]:
        book.save(path)
        rewritten(path, pattern, text)
        with pytest.raises(DataError, match=r"runs\.xlsx: it is not an Excel file"):
            Runs.read(path)
    book.save(path)
    rewritten(path, "<v>70000000<", "<v>70000001<")
    path.write_bytes(path.read_bytes().replace(b"<v>70000001<", b"<v>70000002<"))
    with pytest.raises(DataError, match=r"it is not an Excel file \.xlsx: Bad CRC"):
        Runs.read(path)
    book.save(path)
    rewritten(path, '<row r="5"', '<row r="999999999999"')
    monkeypatch.setattr("fitting.data.formats.records.MOST_CELLS", 1000)
    with pytest.raises(DataError, match="more than 1,000 cells"):
        Runs.read(path)


def test_excel(book, tmp_path):
    book.save(tmp_path / "runs.xlsx")
    same(Runs.read(tmp_path / "runs.xlsx"))
    book.create_sheet("notes")
    book.save(tmp_path / "runs.xlsx")
    with pytest.warns(TableNote, match="the sheet 'Sheet' is read, not notes"):
        same(Runs.read(tmp_path / "runs.xlsx"))


def test_parquet(tmp_path):
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table(columns()), tmp_path / "runs.parquet")
    same(Runs.read(tmp_path / "runs.parquet"))


@pytest.mark.parametrize(
    "suffix", ["csv", "tsv", "txt", "json", "jsonl", "md", "parquet", "xlsx", "csv.gz", "json.gz"]
)
def test_bytes_of_any_kind_give_one_error(suffix, tmp_path):
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, 3000, dtype=np.uint8).tobytes()
    path = tmp_path / f"runs.{suffix}"
    starts = (b"", b"PAR1", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"[" * 3000, b"{" * 3000, b"[1,")
    for start in starts:
        path.write_bytes(start + noise + b"PAR1")
        with pytest.raises(DataError, match="runs"):
            Runs.read(path)


def test_huge_numbers_and_tables_are_refused(tmp_path, monkeypatch):
    digits = "9" * 700
    path = write_csv(tmp_path / "runs.csv", {name: [digits, "1e9"] for name in HEADER})
    with pytest.raises(DataError, match="is not finite") as caught:
        Runs.read(path)
    assert len(str(caught.value)) < 600
    (tmp_path / "runs.jsonl").write_text(f'{{"num_params": {digits}, "num_tokens": 1, "loss": 2}}')
    with pytest.raises(DataError, match="is not finite"):
        Runs.read(tmp_path / "runs.jsonl")
    monkeypatch.setattr("fitting.data.formats.records.MOST_CELLS", 20)
    with pytest.raises(DataError, match="more than 20 cells"):
        Runs.read(write_csv(tmp_path / "runs.csv", columns()))
    for name in ("spaces.txt", "table.md", "split.json", "columns.json", "lines.jsonl"):
        (tmp_path / name).write_text(TEXTS[name])
        with pytest.raises(DataError, match="more than 20 cells"):
            Runs.read(tmp_path / name)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"1," * 40_000_000))
    with pytest.raises(DataError, match="64 MiB"):
        Runs.read(tmp_path / "bomb.csv.gz")
