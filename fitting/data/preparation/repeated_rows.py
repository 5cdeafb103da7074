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
_MODELS = {"model", "model_name"}
_CHECKPOINTS = {"checkpoint", "ckpt"}  # also of a model
_STEP_NAMES = {  # `steps` and `num_steps` are the total of a run
    "step", "global_step", "iteration", "iter", "it", "checkpoint", "update", "checkpoint_step",
    "train_step", "train_global_step", "trainer_global_step", "epoch", "ckpt",
}  # fmt: skip
_FEWEST_ROWS = 3.0  # of a run, on average, to count as checkpoints
_SIZES = ("num_params", "num_student_params")
_TOKENS = ("num_tokens", "num_student_tokens")
_MOSTLY = 0.8  # of the distances between checkpoints are equal
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


@dataclasses.dataclass(frozen=True)
class UnnamedCheckpoints:
    """Rows that look like checkpoints of runs, in a table without names of runs.

    Attributes:
        step: the title of the column of steps.
        last: which rows are the last of their run, `(num_rows,)`; None if the runs are not clear.
        may_be_runs: whether the rows may as well be runs of several lengths.
    """

    step: str
    last: np.ndarray | None
    may_be_runs: bool


def checkpoints_of_runs(
    inputs: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> CheckpointsOfRuns | None:
    """The checkpoints in a table, or None if its rows are runs.

    A table has checkpoints if a column names runs, most runs have several rows, and within each of
    them a column of steps increases and the size is the same. Where the table has no steps, the
    tokens must increase, and the name must be that of one run.
    """
    names = {title: normal_name(title) for title in others}
    known = _RUN_NAMES | (_MODELS if _CHECKPOINTS & {*names.values()} else set())
    runs = [title for title in others if names[title] in known]
    steps = [title for title in others if normal_name(title) in _STEP_NAMES]
    steps = {title: others[title] for title in steps if others[title].dtype.kind == "f"}
    if not steps and not named(STEPS, others):
        steps = {n: inputs[n] for n in _TOKENS if n in inputs}
        runs = [title for title in runs if names[title] in _ONE_RUN]
    for run in runs:
        _, labels, counts = np.unique(others[run], return_inverse=True, return_counts=True)
        if counts.mean() < _FEWEST_ROWS:
            continue
        for step, values in steps.items():
            last = _last_rows(labels.ravel(), values, inputs)
            if last is not None:
                return CheckpointsOfRuns(run, step, last)
    return None


def unnamed_checkpoints(
    inputs: Mapping[str, np.ndarray], others: Mapping[str, np.ndarray]
) -> UnnamedCheckpoints | None:
    """The checkpoints in a table without a name for each run, or None if its rows are runs.

    The rows of a run follow each other: a column of steps rises within it and starts again with
    the next run. In any order, they have the same size, the same tokens for each step, and evenly
    spaced steps. Without a column of steps, the tokens must be evenly spaced.
    """
    names = {title: normal_name(title) for title in others}
    named_by = [others[title] for title in others if names[title] in _RUN_NAMES]
    if any(_MANY_ROWS * len(np.unique(each)) > len(each) for each in named_by):
        return None  # few rows have the same name
    steps = {t: v for t, v in others.items() if names[t] in _STEP_NAMES and v.dtype.kind == "f"}
    found = [each for t, v in steps.items() if (each := _by_steps(t, v, inputs)) is not None]
    if found:
        return next((each for each in found if each.last is not None), found[0])
    if steps or named(STEPS, others) or "num_tokens" not in inputs:
        return None
    return _by_tokens(inputs)


def _by_steps(
    step: str, values: np.ndarray, inputs: Mapping[str, np.ndarray]
) -> UnnamedCheckpoints | None:
    """The checkpoints that a column of steps shows, or None."""
    stretches = _stretches(values)
    is_long, last = _are_long(stretches), _last_rows(stretches, values, inputs)
    if is_long and last is not None:
        return UnnamedCheckpoints(step, last, may_be_runs=not _are_even(stretches, values))
    sizes = {name: inputs[name] for name in _SIZES if name in inputs}
    with np.errstate(all="ignore"):
        batches = {n: np.round(np.log(inputs[n] / values), 3) for n in _TOKENS if n in inputs}
    alike = _cells({**sizes, **batches}) if sizes and batches else np.zeros(len(values))
    last = _last_rows(alike, values, inputs)
    if last is not None and _are_long(alike) and _are_even(alike, values):
        return UnnamedCheckpoints(step, last, may_be_runs=False)
    steps = np.unique(values)
    is_few = _MANY_ROWS <= len(steps) <= len(values) / _MANY_ROWS
    if is_long or (is_few and normal_name(step) != "epoch" and _are_even(0 * steps, steps)):
        return UnnamedCheckpoints(step, None, may_be_runs=False)
    return None


def _by_tokens(inputs: Mapping[str, np.ndarray]) -> UnnamedCheckpoints | None:
    """The checkpoints that evenly spaced tokens show, or None."""
    sizes = {name: inputs[name] for name in _SIZES if name in inputs}
    tokens = inputs["num_tokens"]
    stretches = _stretches(tokens)
    last = _last_rows(stretches, tokens, inputs)
    if not sizes or last is None or not _are_long(stretches) or not _are_even(stretches, tokens):
        return None
    may_be_runs = bool(last.sum() == len(np.unique(_cells(sizes))))  # a grid of runs
    if may_be_runs and len(last) < 2 * _MANY_ROWS * last.sum():
        return None
    return UnnamedCheckpoints("num_tokens", last, may_be_runs)


def _last_rows(
    labels: np.ndarray, steps: np.ndarray, inputs: Mapping[str, np.ndarray]
) -> np.ndarray | None:
    """The last row of each run, `(num_rows,)`; None if steps do not rise or the size changes."""
    order = np.lexsort((steps, labels))
    inside = labels[order][1:] == labels[order][:-1]
    sizes = [np.nan_to_num(inputs[name]) for name in _SIZES if name in inputs]
    same = all(np.all(np.diff(size[order])[inside] == 0) for size in sizes)
    if not same or not np.all((np.diff(steps[order]) > 0)[inside]):
        return None
    last = np.zeros(len(labels), bool)
    last[order[np.append(~inside, True)]] = True
    return last


def _stretches(values: np.ndarray) -> np.ndarray:
    """The number of the stretch of rising values in which each row is, `(num_rows,)`."""
    return np.cumsum(np.append(True, ~(np.diff(values) > 0)))


def _are_long(labels: np.ndarray) -> bool:
    """Whether there are several groups, with enough rows on average to be checkpoints."""
    return 1 < len(np.unique(labels)) <= len(labels) / _MANY_ROWS


def _are_even(labels: np.ndarray, values: np.ndarray) -> bool:
    """Whether the values in each group have equal distances, with few exceptions."""
    order = np.lexsort((values, labels))
    inside, gaps = np.diff(labels[order]) == 0, np.diff(values[order])
    equal = np.isclose(gaps[1:], gaps[:-1], rtol=0.02)[inside[1:] & inside[:-1]]
    return bool(equal.size) and float(equal.mean()) >= _MOSTLY


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
