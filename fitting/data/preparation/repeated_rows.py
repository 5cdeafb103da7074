"""Rows that are not runs of their own: checkpoints of one run, and repeated inputs."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from fitting.data.hints import where_option
from fitting.data.preparation.usual_names import STEPS, named, normal_name

_ONE_RUN = {
    "run", "run_id", "run_name", "run_index", "experiment", "experiment_id", "experiment_name",
    "exp", "exp_name", "trial", "trial_id", "uid", "uuid", "job", "job_id", "run_number",
}  # fmt: skip
_RUN_NAMES = {*_ONE_RUN, "name", "id"}  # or several runs of one name
_CHECKPOINTS = {"checkpoint", "ckpt"}  # also of a model
_STEP_NAMES = {  # `steps` and `num_steps` are the total of a run
    "step", "global_step", "iteration", "iter", "it", "checkpoint", "update", "checkpoint_step",
    "train_step", "train_global_step", "trainer_global_step", "epoch", "ckpt",
}  # fmt: skip
_FEWEST_ROWS = 3.0  # of a run, on average, to count as checkpoints
_MANY_ROWS = 4  # of each run that no column names: fewer may be runs of several lengths
_FAR_APART = 0.05  # difference of the log of the outcome of rows with equal inputs
_BEST_OF = "--best-of keeps the run with the lowest outcome of equal inputs"
_SEPARATES = 0.25  # of the spread that is left within the values of a column


@dataclasses.dataclass(frozen=True)
class CheckpointsOfRuns:
    """Rows that are checkpoints of runs.

    Attributes:
        run: the title of the column that names the run.
        step: the title of the column of steps.
        last: which rows are the last of their run, `(num_rows,)`.
    """

    run: str
    step: str
    last: np.ndarray


def checkpoints_of_runs(
    inputs: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> CheckpointsOfRuns | None:
    """The checkpoints in a table, or None if its rows are runs.

    A table has checkpoints if a column names runs, most runs have several rows, and within each of
    them a column of steps increases and the size is the same. Where the table has no steps, the
    tokens must increase, and the name must be that of one run.
    """
    names = {title: normal_name(title) for title in others}
    known = _RUN_NAMES | ({"model", "model_name"} if _CHECKPOINTS & {*names.values()} else set())
    runs = [title for title in others if names[title] in known]
    steps = [title for title in others if normal_name(title) in _STEP_NAMES]
    steps = {title: others[title] for title in steps if others[title].dtype.kind == "f"}
    if not steps and not named(STEPS, others):
        steps = {n: inputs[n] for n in ("num_tokens", "num_student_tokens") if n in inputs}
        runs = [title for title in runs if names[title] in _ONE_RUN]
    for run in runs:
        _, labels, counts = np.unique(others[run], return_inverse=True, return_counts=True)
        labels = labels.ravel()
        if counts.mean() < _FEWEST_ROWS:
            continue
        for step, values in steps.items():
            order = np.lexsort((values, labels))
            inside = labels[order][1:] == labels[order][:-1]
            rising = np.diff(values[order]) > 0
            sizes = [inputs[n] for n in ("num_params", "num_student_params") if n in inputs]
            same = all(np.all(np.diff(size[order])[inside] == 0) for size in sizes)
            if same and np.all(rising[inside]):
                last = np.zeros(len(labels), bool)
                last[order[np.append(~inside, True)]] = True
                return CheckpointsOfRuns(run, step, last)
    return None


def unnamed_checkpoints(others: Mapping[str, np.ndarray]) -> str | None:
    """A sentence on a column of steps that rises and starts again, where no column names runs."""
    if any(normal_name(title) in _RUN_NAMES for title in others):
        return None
    for title, values in others.items():
        if normal_name(title) not in _STEP_NAMES or values.dtype.kind != "f" or len(values) < 2:
            continue
        runs = 1 + int(np.sum(np.diff(values) < 0))
        if runs > 1 and len(values) >= _MANY_ROWS * runs:
            return (
                f"the column {title!r} rises and starts again {runs - 1} times: the rows are "
                f"probably checkpoints of {runs} runs, which are not independent. Add a column "
                "'run' with the name of each run; the last row of each is then read"
            )
    return None


def far_apart(
    inputs: Mapping[str, np.ndarray], loss: np.ndarray, others: Mapping[str, np.ndarray]
) -> str | None:
    """A sentence on rows with equal inputs and outcomes that are far apart, or None.

    It names the column whose values separate the outcomes, if there is one.
    """
    if not inputs or not len(loss) or not np.all(loss > 0):
        return None
    cells = _cells(inputs)
    logs = np.log(loss)
    spread, num_repeated = _spread(cells, logs)
    if not num_repeated or spread <= _FAR_APART:
        return None
    ranges = [np.ptp(logs[cells == cell]) for cell in np.unique(cells)]
    sentence = (
        f"{num_repeated} rows have the same {', '.join(inputs)} as another row, with outcomes up "
        f"to {100 * np.expm1(max(ranges)):.0f}% apart"
    )
    candidates = []
    for title, values in others.items():
        distinct, labels = np.unique(values, return_inverse=True)
        if 1 < len(distinct) <= len(loss) / 2:
            within, left = _spread(cells * len(distinct) + labels.ravel(), logs)
            within = within if left else 0.0
            candidates.append((within, len(distinct), title))
    separating = [each for each in candidates if each[0] <= _SEPARATES * spread]
    if not separating:
        return (
            f"{sentence}. No column separates them: check whether the rows are runs of one kind; "
            f"{_BEST_OF}"
        )
    _, _, title = min(separating)
    first = others[title][0].item()
    return (
        f"{sentence}. The column {title!r} separates them: fit each of its values alone, such as "
        f"{where_option(title, first)}; or {_BEST_OF}"
    )


def best_of_cells(inputs: Mapping[str, np.ndarray], loss: np.ndarray) -> np.ndarray:
    """Which rows have the lowest outcome of all rows with the same inputs, `(num_rows,)`.

    Of equal outcomes the first row is kept. A row without an outcome is kept if its cell has no
    other row.

    >>> sizes = np.array([1e6, 1e6, 1e6, 1e7])
    >>> best_of_cells({"num_params": sizes}, np.array([3.2, 3.1, np.nan, 2.9])).tolist()
    [False, True, False, True]
    """
    cells = _cells(inputs)
    order = np.lexsort((loss, cells))  # NaN comes last
    first = np.append(True, np.diff(cells[order]) > 0)
    kept = np.zeros(len(loss), bool)
    kept[order[first]] = True
    return kept


def _cells(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """A label for each row, equal for equal inputs; a missing value is a value of its own."""
    table = np.column_stack([np.nan_to_num(each, nan=-1.0) for each in inputs.values()])
    return np.unique(table, axis=0, return_inverse=True)[1].ravel()


def _spread(labels: np.ndarray, logs: np.ndarray) -> tuple[float, int]:
    """The standard deviation within groups, and the number of rows in groups of several rows."""
    _, which, counts = np.unique(labels, return_inverse=True, return_counts=True)
    which = which.ravel()
    means = np.bincount(which, logs) / counts
    repeated = counts[which] > 1
    if not repeated.any():
        return 0.0, 0
    left = logs - means[which]
    free = repeated.sum() - len(np.unique(which[repeated]))
    return float(np.sqrt(np.sum(left[repeated] ** 2) / max(free, 1))), int(repeated.sum())
