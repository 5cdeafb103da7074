"""The question of `next_runs`: its checks, the cost of a run, and the bounds of its inputs."""

from collections.abc import Mapping, Sequence

import numpy as np

from fitting.design.continuous_design import Box, Cost, Ratio
from fitting.design.knowledge import Quantity
from fitting.estimation.options import check_integer
from fitting.estimation.results import FitResult
from fitting.uncertainty.refit_problem import FitProblem
from jaxlaws.compute import training_flops
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import outcomes_of
from jaxlaws.inputs import inputs_of

_WIDER = 3.0  # the default bounds, as a factor below and above the inputs of the runs
_RATIO = "tokens_per_param"
_NUM_DIGITS = 4  # of the sizes and tokens of a free design
_SIZES = {"num_params": "num_tokens", "num_student_params": "num_student_tokens"}


def check_question(
    fits: tuple[FitResult, ...],
    quantity: Quantity | None,
    region: Mapping[str, Array] | None,
    plan_flops: float | None,
    flops: float,
    num_runs: int,
    level: float,
) -> tuple[str, ...]:
    """Check the question, and return the names of the inputs of a run; see `next_runs`."""
    if not fits:
        raise ValueError("result: expected a fit or several, got none")
    if quantity is not None and region is not None:
        raise ValueError("give a quantity or a region, not both")
    if quantity is None and region is None and plan_flops is None:
        raise ValueError("give a quantity, a region or plan_flops: what the runs are to tell")
    names = tuple(fits[0].law.input_names)
    for each in fits:
        if outcomes_of(each.law):
            raise TypeError(f"{type(each.law).__name__} has several outcomes: fit one of them")
        if set(each.law.input_names) != set(names):
            raise ValueError(
                f"several laws need the same inputs: {', '.join(names)}, but "
                f"{type(each.law).__name__} takes {', '.join(each.law.input_names)}"
            )
    for name, number in (("flops", flops), ("plan_flops", plan_flops or 1.0)):
        if not 0 < number < np.inf:
            raise ValueError(f"{name}: expected a finite number above zero, got {number!r}")
    check_integer("num_runs", num_runs, least=1)
    if not 0 < level < 1:
        raise ValueError(f"expected a level between 0 and 1, got {level!r}")
    return names


def check_inside(problems: Sequence[FitProblem]) -> None:
    """Check that no coefficient of a fit is at an edge.

    Raises:
        ValueError: one is; no derivative is defined there.
    """
    for each in problems:
        on_edge = ~np.isfinite(each.vector)
        if on_edge.any():
            names = np.array(each.problem.parameters.names)[on_edge]
            raise ValueError(
                f"{', '.join(names)} ended at an edge, where no derivative is defined: freeze it "
                "there (freeze={...}) and fit again"
            )


def columns_of(
    where: str, given: Mapping[str, Array], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """The inputs of some runs, `(num_runs,)` each.

    Args:
        where: the argument that holds them, for the message.
        given: the inputs by name; they broadcast together.
        names: of the inputs of the law.

    Raises:
        ValueError: an input is missing, or another one is given.
    """
    if set(given) != set(names):
        raise ValueError(f"{where}: expected the inputs {', '.join(names)}, got {', '.join(given)}")
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(given[n], float)) for n in names))
    return dict(zip(names, arrays, strict=True))


def default_cost(names: Sequence[str]) -> Cost:
    """The FLOPs of the training of a run with these inputs.

    Raises:
        TypeError: the inputs are no size and tokens.
    """
    for size, tokens in _SIZES.items():
        if size in names and tokens in names:
            return _training_cost if size == "num_params" else _student_cost
    raise TypeError(
        f"no cost is known for runs with the inputs {', '.join(names)}: pass cost, a function of "
        "these keywords"
    )


def _training_cost(*, num_params: Array, num_tokens: Array, **_: Array) -> Array:
    return training_flops(num_params=num_params, num_tokens=num_tokens)


def _student_cost(*, num_student_params: Array, num_student_tokens: Array, **_: Array) -> Array:
    return training_flops(num_params=num_student_params, num_tokens=num_student_tokens)


def box_of(
    law: object,
    known: Mapping[str, np.ndarray],
    bounds: Mapping[str, tuple[float, float]],
    cost: Cost,
) -> Box:
    """The bounds of a free design: those given, else somewhat beyond the runs.

    With a size and tokens, `tokens_per_param` is bounded as well, and the sizes are narrowed to
    those that allow some tokens.

    Raises:
        ValueError: a bound is not valid, or is of no input.
    """
    kinds, ends = inputs_of(law), {}
    is_log = tuple(bool(np.all(known[name] > 0)) for name in kinds)
    positive = [name for name, by_factor in zip(kinds, is_log, strict=True) if by_factor]
    pair = next((each for each in _SIZES.items() if {*each} <= {*positive}), None)
    for name in bounds:
        if name not in kinds and not (pair and name == _RATIO):
            known_names = ", ".join([*kinds, _RATIO] if pair else kinds)
            raise ValueError(f"bounds: no input {name!r}; the inputs are {known_names}")
    for (name, kind), by_factor in zip(kinds.items(), is_log, strict=True):
        low, high = float(known[name].min()), float(known[name].max())
        if kind.unit in ("parameters", "tokens") and by_factor:
            low, high = low / _WIDER, high * _WIDER
        low, high = bounds.get(name, (low, min(high, kind.at_most)))
        if not (low < high < np.inf and (low > 0 or not by_factor)):
            raise ValueError(
                f"bounds of {name}: expected a least and a greater value, got {low!r} and "
                f"{high!r}. For an input that stays the same, fit fix_inputs(law, ...)"
            )
        ends[name] = low, high
    ratio = None
    if pair is not None:
        size, tokens = pair
        ratios = known[tokens] / known[size]
        low, high = bounds.get(_RATIO, (ratios.min() / _WIDER, ratios.max() * _WIDER))
        (least, most), (fewest, largest) = ends[size], ends[tokens]
        ends[size] = max(least, fewest / high), min(most, largest / low)
        if not (0 < low < high < np.inf and ends[size][0] < ends[size][1]):
            raise ValueError(
                f"bounds of {_RATIO}: {low:.3g} to {high:.3g} allow no run with {size} of "
                f"{least:.3g} to {most:.3g} and {tokens} of {fewest:.3g} to {largest:.3g}: change "
                f"these bounds or that of {_RATIO}"
            )
        ratio = Ratio(size, tokens, float(low), float(high))
    low, high = zip(*ends.values(), strict=True)
    return Box(tuple(kinds), low, high, cost, is_log, ratio)


def rounded_inputs(
    law: object, inputs: Mapping[str, np.ndarray], box: Box, shapes: tuple[str, np.ndarray] | None
) -> dict[str, np.ndarray]:
    """Sizes and tokens of a free design with few digits, not above those given.

    A size that has to exist is one of `shapes`. Where few digits would be below a bound, the number
    is the nearest whole one.
    """
    found = dict(inputs)
    for (name, kind), low in zip(inputs_of(law).items(), box.low, strict=True):
        values = inputs[name]
        if shapes is not None and name == shapes[0]:
            distances = np.abs(np.log(values[:, None] / shapes[1]))
            found[name] = shapes[1][np.argmin(distances, axis=1)]
        elif kind.unit in ("parameters", "tokens") and np.all(values > 0):
            step = 10.0 ** (np.floor(np.log10(values)) - _NUM_DIGITS + 1)
            # A number that rounding errors made a little smaller keeps its digits.
            few = np.floor(values / step * (1 + 1e-9)) * step
            found[name] = np.where(few < low, np.round(values), few)
    return found


def sizes_of(box: Box, shapes: Sequence[float] | None) -> tuple[str, np.ndarray] | None:
    """The name of the size of a model, and its values that exist and are within the bounds.

    Raises:
        ValueError: no shape is within the bounds, or the law takes no size.
    """
    if shapes is None:
        return None
    name = next((each for each in _SIZES if each in box.names), None)
    if name is None:
        raise ValueError("shapes: the law takes no size of a model")
    place = box.names.index(name)
    sizes = np.sort(np.asarray(shapes, float))
    sizes = sizes[(sizes >= box.low[place]) & (sizes <= box.high[place])]
    if not len(sizes):
        raise ValueError(
            f"shapes: no size is between {box.low[place]:.3g} and {box.high[place]:.3g}: give "
            f"other sizes or bounds of {name}"
        )
    return name, sizes
