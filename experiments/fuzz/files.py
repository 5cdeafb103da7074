"""Random files: tables, laws, fits and catalogues, whole or with damaged bytes."""

import copy
import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from hypothesis import strategies as st

from jaxlaws.foundations.annotations import Json

_HEADERS = (
    "num_params", "num_tokens", "loss", "flops", "teacher_loss", "num_student_params",
    "num_student_tokens", "N", "D", "C", "params", "tokens", "val_loss", "Params (M)", "Tokens (B)",
    "step", "run", "batch_tokens", "state", "ppl", "bpb", "acc", "budget", "width", "name",
    "num_teacher_params", "num_active_params", "", " loss ", "loss (nats)", "x1e9 tokens", "=1+1",
    "<b>loss</b>", "a,b", "a|b", "\u200bloss", "x" * 300,
)  # fmt: skip
_CELLS = (
    "", "nan", "inf", "-inf", "-1", "0", "1e400", "1e-400", "7" * 400, "3.1", "1,000,000", "3,14",
    "1B", "20T", "1e22", "60M", "--", "N/A", "null", "true", "finished", "crashed", "(partial)",
    "**3.2**", "$5", "1_000", "0x10", "１２", "1e1e1", "<script>alert(1)</script>", "\x1b[31m", '"',
    "2026-11-27", "[1, 2]", "{}",
)  # fmt: skip
_STRANGE: tuple[Json, ...] = (
    None, True, False, 0, -1, 1, 1e308, -1e308, 1e-320, 10**30, "", "x", "1e22", "NaN", [], {},
    [[[]]], [0.0] * 100, {"value": 1.0}, "Chinchilla", "os.system", "../../etc/passwd", "é" * 50,
)  # fmt: skip


def _runs(draw: st.DrawFn) -> dict[str, list[object]]:
    """A table of twelve runs that a law describes, with some cells and columns replaced."""
    sizes, tokens = np.meshgrid([6e7, 2e8, 1e9], [1e9, 4e9, 2e10, 1e11])
    size, token = sizes.ravel(), tokens.ravel()
    loss = 1.8 + 420 / size**0.34 + 900 / token**0.32
    table: dict[str, list[object]] = {
        "num_params": size.tolist(), "num_tokens": token.tolist(), "loss": loss.tolist()
    }  # fmt: skip
    if draw(st.booleans()):
        table["flops"] = (6 * size * token).tolist()
    if draw(st.integers(0, 3)) == 0:
        table = {f"num_student_{k[4:]}" if k.startswith("num_") else k: v for k, v in table.items()}
        table["teacher_loss"] = np.tile([2.0, 2.3, 2.6], 4).tolist()
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.integers(0, 4))
        name = draw(st.sampled_from(sorted(table)))
        if change == 0:
            table[draw(st.sampled_from(_HEADERS))] = table.pop(name)
        elif change == 1:
            table[draw(st.sampled_from(_HEADERS))] = [draw(st.sampled_from(_CELLS))] * 12
        elif change == 2:
            table[name][draw(st.integers(0, 11))] = draw(st.sampled_from(_CELLS))
        elif change == 3:
            scale = draw(st.sampled_from([1e-9, 1e-6, 1e-3, -1.0, 0.0, 1e3, 1e9, 1e300]))
            table[name] = [v * scale if isinstance(v, float) else v for v in table[name]]
        elif len(table) > 1:
            del table[name]
    return table


def _separated(separator: str) -> Callable[[Mapping[str, Sequence[object]]], bytes]:
    def write(table: Mapping[str, Sequence[object]]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=separator)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
        return text.getvalue().encode()

    return write


def _objects(table: Mapping[str, Sequence[object]]) -> list[dict[str, object]]:
    return [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]


def _markdown(table: Mapping[str, Sequence[object]]) -> bytes:
    lines = [[*table], ["---"] * len(table), *map(list, zip(*table.values(), strict=True))]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines).encode()


def _parquet(table: Mapping[str, Sequence[object]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.table({name: list(map(str, cells)) for name, cells in table.items()}), stream)
    return stream.getvalue()


def _excel(table: Mapping[str, Sequence[object]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in ([*table], *zip(*table.values(), strict=True)):
        sheet.append([str(each).replace("\x1b", "") for each in line])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


_FORMATS: dict[str, Callable[[Mapping[str, Sequence[object]]], bytes]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".txt": _separated(";"),
    ".json": lambda table: json.dumps(_objects(table)).encode(),
    ".jsonl": lambda table: b"\n".join(json.dumps(each).encode() for each in _objects(table)),
    ".md": _markdown,
    ".parquet": _parquet,
    ".xlsx": _excel,
    ".csv.gz": lambda table: gzip.compress(_separated(",")(table)),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, bytes]:
    """The suffix and the content of a table of runs."""
    suffix = draw(st.sampled_from(sorted(_FORMATS)))
    content = _FORMATS[suffix](_runs(draw))
    if draw(st.integers(0, 3)) == 0:  # the content of another format
        suffix = draw(st.sampled_from(sorted(_FORMATS)))
    return suffix, damaged(draw, content)


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[str, bytes]:
    """The suffix and the content of a table of teachers."""
    table: dict[str, list[object]] = {
        "name": ["a", "b"], "num_teacher_params": ["7B", "30B"], "teacher_loss": [2.1, 2.0]
    }  # fmt: skip
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(sorted(table)))
        table[name][draw(st.integers(0, 1))] = draw(st.sampled_from(_CELLS))
    suffix = draw(st.sampled_from(sorted(_FORMATS)))
    return suffix, damaged(draw, _FORMATS[suffix](table))


def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes, half of the time with some of them changed, left out, repeated or added."""
    if draw(st.booleans()):
        return content
    for _ in range(draw(st.integers(1, 4))):
        begin = _place(draw, content)
        end = min(len(content), begin + draw(st.integers(1, 64)))
        kind = draw(st.integers(0, 4))
        part = {
            0: b"",
            1: content[begin:end] * draw(st.integers(2, 20)),
            2: draw(st.binary(max_size=16)),
            3: draw(
                st.sampled_from([b"\xef\xbb\xbf", b"\0", b"\r", b'"', b"\xff\xfe", b"[" * 2000])
            ),
            4: bytes([draw(st.integers(0, 255))]),
        }[kind]
        content = content[:begin] + part + content[end if kind in (0, 1) else begin + 1 :]
    return content if draw(st.integers(0, 9)) else content[: _place(draw, content)]


def _place(draw: st.DrawFn, content: bytes) -> int:
    """A place in bytes, drawn as a share of them: Excel files differ in length by their date."""
    return len(content) * draw(st.integers(0, 9999)) // 10_000


@st.composite
def documents(draw: st.DrawFn, whole: Sequence[Json]) -> bytes:
    """The content of a file of a law or a fit, with some values and keys changed."""
    document = json.loads(json.dumps(draw(st.sampled_from(list(whole)))))
    for _ in range(draw(st.integers(0, 3))):
        _change(draw, document)
    return damaged(draw, json.dumps(document).encode())


def _change(draw: st.DrawFn, document: Json) -> None:
    """Change one value somewhere inside a JSON value."""
    node = document
    while isinstance(node, (dict, list)) and node:
        key = draw(st.sampled_from(sorted(node))) if isinstance(node, dict) else 0
        child = node[key]
        if isinstance(child, (dict, list)) and child and draw(st.integers(0, 4)):
            node = child
            continue
        kind = draw(st.integers(0, 3))
        if kind == 0:
            del node[key]
        elif kind == 1 and isinstance(node, dict):
            node[draw(st.sampled_from(["x", "law", "fit", "format", "__class__", "E"]))] = child
        else:
            node[key] = copy.deepcopy(draw(st.sampled_from(_STRANGE)))
        return
