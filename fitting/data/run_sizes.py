"""How big a run is: its parameters, tokens and compute; of a distilled run, the student's."""

import numpy as np

from fitting.data.runs import Runs
from jaxlaws.compute import training_flops

_STUDENTS = {"num_params": "num_student_params", "num_tokens": "num_student_tokens"}
EXTENTS = ("flops", *_STUDENTS)


def extent(runs: Runs, name: str) -> np.ndarray:
    """The parameters, tokens or training FLOPs of each run, `(num_runs,)`; NaN where unknown.

    FLOPs are those of the table's column `flops`, else `6 N D`; a teacher's are not counted.

    >>> sizes, tokens = [1e6, 1e7, 5e7], [1e9, 1e8, 3e9]
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": [4.0, 3.8, 2.9]})
    >>> extent(runs, "flops").tolist()
    [6000000000000000.0, 6000000000000000.0, 9e+17]

    Raises:
        ValueError: there is no such extent, or the table has none of the columns that tell it.
    """
    if name not in EXTENTS:
        raise ValueError(f"expected one of {', '.join(EXTENTS)}, got {name!r}")
    if name == "flops":
        told = runs.inputs.get("flops", np.full(len(runs), np.nan))
        if np.isfinite(told).all():
            return told
        size, tokens = (extent(runs, each) for each in _STUDENTS)
        computed = np.asarray(training_flops(num_params=size, num_tokens=tokens))
        return np.where(np.isfinite(told), told, computed)
    columns = [runs.inputs[each] for each in (name, _STUDENTS[name]) if each in runs.inputs]
    if not columns:
        raise ValueError(
            f"{runs.source} has no column {name} or {_STUDENTS[name]}: say which one it is, "
            f"columns={{{name!r}: 'THEIR_NAME'}} or --column {name}=THEIR_NAME"
        )
    return np.where(np.isfinite(columns[0]), columns[0], columns[-1])
