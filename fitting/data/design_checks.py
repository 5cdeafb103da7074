"""Weaknesses in the design of a set of runs, found before any fit."""

from collections.abc import Iterable, Mapping

import numpy as np

from jaxlaws.inputs import INPUTS, Input

_FEWEST_LEVELS = 3
_SAME_LEVEL = 0.02  # decades: 5%, so that points read off a figure still count as one level
_MOST_SHOWN = 3  # copies of runs
_COLLINEAR = 0.01  # of the variance of log D that log N leaves unexplained
_NOT_SEPARATED = {
    1: "{token} is a power of {size} in all runs",
    -1: "{token} is a falling power of {size} in all runs",
}


class WeakDesignWarning(UserWarning):
    """The runs are too similar to determine all coefficients."""


def weaknesses(
    inputs: Mapping[str, np.ndarray],
    loss: np.ndarray,
    kinds: Mapping[str, Input] = INPUTS,
    rows: np.ndarray | None = None,
) -> tuple[str, ...]:
    """The weaknesses of a set of runs, each as a sentence; empty where there are none.

    Args:
        inputs: values of each input, `(num_runs,)`.
        loss: `(num_runs,)` or `(num_runs, num_outcomes)`.
        kinds: meaning and unit of each input, by name.
        rows: the row of each run in its table, `(num_runs,)`. Default: counted from 1.

    >>> weaknesses({"num_params": np.array([1e6, 1e7, 1e8])}, np.array([4.0, 3.0, 2.5]))
    ()
    """
    found = []
    for name, values in inputs.items():
        levels = _num_levels(values)
        if levels < _FEWEST_LEVELS:
            found.append(
                f"{name} has {levels} level{'s' * (levels > 1)}, fewer than {_FEWEST_LEVELS}: "
                "its exponent cannot be estimated; add runs at other values"
            )
    logs = {name: np.log10(values) for name, values in inputs.items() if np.all(values > 0)}
    sizes = [name for name in logs if kinds[name].unit == "parameters"]
    tokens = [name for name in logs if kinds[name].unit == "tokens"]
    for size, token in ((s, t) for s in sizes for t in tokens):
        x, y = logs[size] - logs[size].mean(), logs[token] - logs[token].mean()
        if not x.any() or not y.any():
            continue  # one level: reported above
        if (x @ x) * (y @ y) - (x @ y) ** 2 < _COLLINEAR * (x @ x) * (y @ y):
            ratio = inputs[token] / inputs[size]
            found.append(
                f"{_NOT_SEPARATED[1 if x @ y > 0 else -1].format(token=token, size=size)} "
                f"({_span(ratio)} {token} / {size}): their exponents cannot be "
                "separated; add runs with other ratios"
            )
    table = np.column_stack([*inputs.values(), loss])
    _, first, place = np.unique(table, axis=0, return_index=True, return_inverse=True)
    originals = first[place]
    rows = np.arange(1, len(table) + 1) if rows is None else rows
    copies = np.flatnonzero(originals != np.arange(len(table)))
    if len(copies):
        shown = [f"row {rows[i]} repeats row {rows[originals[i]]}" for i in copies[:_MOST_SHOWN]]
        more = [f"and {len(copies) - _MOST_SHOWN} more"] if len(copies) > _MOST_SHOWN else []
        found.append(
            f"runs with equal inputs and outcomes ({', '.join(shown + more)}): if they are copies "
            "of one run, keep one of them (best_of=True, on the command line --best-of)"
        )
    return tuple(found)


def not_separated(found: Iterable[str], size: str, token: str) -> int:
    """1 if the sentences of `weaknesses` say that the tokens are a power of the size, else 0.

    -1 if this power is negative.
    """
    for sign, sentence in _NOT_SEPARATED.items():
        beginning = sentence.format(token=token, size=size)
        if any(each.startswith(beginning) for each in found):
            return sign
    return 0


def _num_levels(values: np.ndarray) -> int:
    """The number of levels of an input; zero is a level of its own."""
    sizes = np.abs(np.where(values == 0, 1.0, values))
    steps = np.round(np.log10(sizes) / _SAME_LEVEL)
    return len(np.unique(np.stack([np.sign(values), steps]), axis=1).T)


def _span(values: np.ndarray) -> str:
    low, high = f"{values.min():.3g}", f"{values.max():.3g}"
    return low if low == high else f"{low} to {high}"
