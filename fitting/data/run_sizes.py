"""The size of a run: parameters, tokens and compute; for a distilled run, those of the student."""

from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.compute import training_flops

if TYPE_CHECKING:
    from fitting.data.runs import Runs

_STUDENTS = {"num_params": "num_student_params", "num_tokens": "num_student_tokens"}
EXTENTS = ("flops", *_STUDENTS)


def extent(runs: "Runs", name: str) -> np.ndarray:
    """The parameters, tokens or training FLOPs of each run, `(num_runs,)`; NaN where unknown.

    FLOPs come from the table's column `flops`; without a value there they are `6 N D`. The FLOPs
    of a teacher are not counted.

    >>> from fitting import Runs
    >>> sizes, tokens = [1e6, 1e7, 5e7], [1e9, 1e8, 3e9]
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": [4.0, 3.8, 2.9]})
    >>> extent(runs, "flops").tolist()
    [6000000000000000.0, 6000000000000000.0, 9e+17]

    Raises:
        ValueError: there is no such extent, or the table lacks the columns for it.
    """
    if name not in EXTENTS:
        raise ValueError(f"expected one of {', '.join(EXTENTS)}, got {name!r}")
    if name == "flops":
        given = runs.inputs.get("flops", np.full(len(runs), np.nan))
        if np.isfinite(given).all():
            return given
        size, tokens = (extent(runs, each) for each in _STUDENTS)
        computed = np.asarray(training_flops(num_params=size, num_tokens=tokens))
        return np.where(np.isfinite(given), given, computed)
    columns = [runs.inputs[each] for each in (name, _STUDENTS[name]) if each in runs.inputs]
    if not columns:
        raise ValueError(
            f"{runs.source} has no column {name} or {_STUDENTS[name]}. If the column has "
            f"another name, read the table with columns={{{name!r}: 'THEIR_NAME'}} or "
            f"--column {name}=THEIR_NAME"
        )
    return np.where(np.isfinite(columns[0]), columns[0], columns[-1])
