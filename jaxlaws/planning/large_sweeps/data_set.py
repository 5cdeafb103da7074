"""Plans as a Parquet data set: a part for each block of rows, and a manifest.

A kill at any moment, of any process, loses no part and doubles no row:

- The question alone decides which rows are in which block, and the block decides the name of its
  part. The number of processes only decides who computes which block.
- A part is written to a hidden file and moved to its name when it is complete.
- A start skips the parts that exist. Each part names the manifest that it belongs to.
- The manifest is made before the first part and never replaced. A start with another question, law
  or version finds a manifest that differs, and stops.
"""

import dataclasses
import json
import os
import re
import uuid
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import jax

from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.atomic_files import atomic_write, remove_abandoned
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.json_text import read_json_file
from jaxlaws.planning.large_sweeps.arrow_columns import arrow_table
from jaxlaws.planning.large_sweeps.axes import Rows
from jaxlaws.planning.large_sweeps.description import described, digest
from jaxlaws.planning.plan_dict import arrays_of

MANIFEST = "_manifest.json"
_FORMAT = 1
_IN_PART = b"jaxlaws.manifest"  # key of the metadata of a part
_TEMPORARY = re.compile(r"\.(part-\d+\.parquet|_manifest\.json)\.\w+\.tmp")


@dataclasses.dataclass(frozen=True)
class WrittenParts:
    """What one process did for a data set.

    Attributes:
        written: the number of parts that this process wrote.
        found: the number of parts of this process that existed already.
        total: the number of parts of the whole data set, over all processes.
        num_rows: the number of rows of the whole data set.
    """

    written: int
    found: int
    total: int
    num_rows: int


def write_plans(
    question: Callable[..., Tree],
    law: Tree,
    inputs: Mapping[str, Array],
    folder: str | os.PathLike[str],
    *,
    block_size: int = 100_000,
    identity: Tree = None,
    on_part: Callable[[int, int], None] | None = None,
) -> WrittenParts:
    """Answer a question for all combinations of axes, into a Parquet data set.

    The folder then has a file `part-000000.parquet` for each block of rows, and `_manifest.json`
    with the question, the hash of the law, the versions and the number of rows. The columns are
    the inputs (`asked.flops`), the draw, and the fields of the answer as `to_frame` names them.
    `pyarrow.dataset` and other engines read the folder as one table.

    A second call with the same arguments continues where an earlier one ended, also after a kill.
    After `jax.distributed.initialize`, each process writes a share of the blocks; all processes
    need the same folder. Memory holds one block at a time.

    Args:
        question: a planning function, such as `compute_optimal` or `functools.partial(distill,
            scenario=FREE_TEACHER)`, or a function of your own at the top level of a module. It
            takes a law and the inputs by keyword, and returns a tree of arrays.
        law: the law. A batch of laws, such as the draws of a fit, gives a row for each draw.
        inputs: numbers, arrays with one axis, or `LogSpaced`, by name. Axes are crossed; the last
            one changes fastest.
        folder: the folder of the data set. It is made if it does not exist.
        block_size: the number of rows of a part.
        identity: what the manifest says of the question, in place of the function and its settings.
        on_part: called after each part with the numbers of parts that this process has done, and
            that it has to do.

    Raises:
        DataError: the folder has the data set of another question, or other files.
        ModuleNotFoundError: pyarrow is not installed.
        OSError: the folder cannot be written to.
        TypeError: the question cannot be named in the manifest, or an input is traced.
        ValueError: there is nothing to sweep, or an input is not valid.

    >>> import tempfile
    >>> import pyarrow.dataset
    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import LogSpaced, compute_optimal
    >>> folder, law = tempfile.mkdtemp(), presets.load("besiroglu2024")
    >>> budgets = {"flops": LogSpaced(1e18, 1e26, 1000)}
    >>> write_plans(compute_optimal, law, budgets, folder, block_size=300)
    WrittenParts(written=4, found=0, total=4, num_rows=1000)
    >>> pyarrow.dataset.dataset(folder).count_rows()
    1000
    """
    if find_spec("pyarrow") is None:
        raise ModuleNotFoundError("a data set needs pyarrow: pip install 'jaxlaws[parquet]'")
    if block_size < 1:
        raise ValueError(f"block_size must be at least 1, got {block_size}")
    rows, folder = Rows(law, inputs), Path(folder)
    total = -(-rows.count // block_size)
    named = described(question if identity is None else identity)
    manifest = _manifest(named, law, rows) | {"block_size": block_size, "num_parts": total}
    folder.mkdir(exist_ok=True)
    remove_abandoned(folder, _TEMPORARY)
    _agree(folder, manifest)
    mark = digest(manifest)
    own = range(jax.process_index(), total, jax.process_count())
    todo = [block for block in own if not _is_complete(folder / _part(block), mark)]
    for done, block in enumerate(todo, len(own) - len(todo) + 1):
        begin = block * block_size
        laws, given, columns = rows.block(begin, begin + block_size)
        columns |= arrays_of(question(laws, **given))
        _write_part(folder / _part(block), columns, min(block_size, rows.count - begin), mark)
        if on_part is not None:
            on_part(done, len(own))
    return WrittenParts(len(todo), len(own) - len(todo), total, rows.count)


def _manifest(question: Json, law: Tree, rows: Rows) -> dict[str, Json]:
    import jaxlaws

    named = described(law)
    return {
        "format": _FORMAT,
        "versions": {"jaxlaws": jaxlaws.__version__, "jax": jax.__version__},
        "law": {"type": named["type"], "sha256": digest(named)},
        "question": question,
        **described(rows.described()),
        "num_rows": rows.count,
    }


def _part(block: int) -> str:
    return f"part-{block:06}.parquet"


def _agree(folder: Path, manifest: dict[str, Json]) -> None:
    """Make the manifest of the folder, or check that it is this one.

    Raises:
        DataError: the folder has another manifest, or files and no manifest.
    """
    path = folder / MANIFEST
    files = [each.name for each in folder.iterdir() if each.name[0] not in "._"]  # before the next
    if not path.exists():
        if files:
            raise DataError(
                f"cannot write a data set to {folder}: it has other files, such as "
                f"{min(files)!r}. Give an empty folder, or one that does not exist"
            )
        temporary = folder / f".{MANIFEST}.{uuid.uuid4().hex}.tmp"
        temporary.write_text(json.dumps(manifest, indent=1, allow_nan=False) + "\n")
        try:
            # Unlike a move, this fails if another process has made the manifest meanwhile.
            path.hardlink_to(temporary)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    found = read_json_file(path)
    other = found if isinstance(found, dict) else {}
    differing = [key for key in {**manifest, **other} if manifest.get(key) != other.get(key)]
    if differing:
        raise DataError(
            f"cannot write a data set to {folder}: it has the data set of another question, which "
            f"differs in {', '.join(differing)} (see {MANIFEST} there). Give another folder, or "
            "repeat the question as it was"
        )


def _is_complete(path: Path, mark: str) -> bool:
    """Whether a part exists. A part that cannot be read is written again.

    Raises:
        DataError: the part belongs to another manifest.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_metadata(path).metadata or {}
    except (FileNotFoundError, pa.ArrowInvalid):
        return False
    if found.get(_IN_PART) != mark.encode():
        raise DataError(f"{path} is a part of another data set: remove it")
    return True


def _write_part(path: Path, columns: Mapping[str, Array], count: int, mark: str) -> None:
    import pyarrow.parquet as pq

    table = arrow_table(columns, count)
    try:
        with atomic_write(path) as temporary:
            pq.write_table(table.replace_schema_metadata({_IN_PART: mark}), temporary)
    except OSError as error:  # such as a full disk
        raise OSError(
            f"cannot write {path}: {error}. The parts before it stay: remove the cause, and start "
            "the same command again"
        ) from error
