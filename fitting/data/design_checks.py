"""What a table of runs cannot tell apart, seen before any fit."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.inputs import INPUTS

_FEWEST_LEVELS = 3
_SAME_LEVEL = 0.02  # decades: 5%, so that points read off a figure still count as one level
_COLLINEAR = 0.01  # of the variance of log D that log N leaves unexplained


class WeakDesignWarning(UserWarning):
    """The runs are too alike in some way for all coefficients to be told apart."""


def weaknesses(inputs: Mapping[str, np.ndarray], loss: np.ndarray) -> tuple[str, ...]:
    """What is weak about a set of runs, in words; nothing where nothing is.

    Args:
        inputs: values of each input, `(num_runs,)`, above zero.
        loss: `(num_runs,)`.

    >>> weaknesses({"num_params": np.array([1e6, 1e7, 1e8])}, np.array([4.0, 3.0, 2.5]))
    ()
    """
    found = []
    logs = {name: np.log10(values) for name, values in inputs.items()}
    for name, values in logs.items():
        levels = len(np.unique(np.round(values / _SAME_LEVEL)))
        if levels < _FEWEST_LEVELS:
            found.append(
                f"{name} has {levels} level{'s' * (levels > 1)}, fewer than {_FEWEST_LEVELS}: "
                "its exponent cannot be told; add runs at other values"
            )
    sizes = [name for name in logs if INPUTS[name].unit == "parameters"]
    tokens = [name for name in logs if INPUTS[name].unit == "tokens"]
    for size, token in ((s, t) for s in sizes for t in tokens):
        x, y = logs[size] - logs[size].mean(), logs[token] - logs[token].mean()
        if not x.any() or not y.any():
            continue  # one level: told above
        if (x @ x) * (y @ y) - (x @ y) ** 2 < _COLLINEAR * (x @ x) * (y @ y):
            ratio = inputs[token] / inputs[size]
            found.append(
                f"{token} goes with {size} in all runs ({_span(ratio)} {token} / {size}): their "
                "exponents cannot be told apart; add runs with other ratios"
            )
    table = np.column_stack([*inputs.values(), loss])
    copies = len(table) - len(np.unique(table, axis=0))
    if copies:
        found.append(f"{copies} run{'s' * (copies > 1)} stand in the table more than once")
    return tuple(found)


def _span(values: np.ndarray) -> str:
    low, high = f"{values.min():.3g}", f"{values.max():.3g}"
    return low if low == high else f"{low} to {high}"
