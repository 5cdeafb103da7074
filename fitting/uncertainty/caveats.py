"""What a fit does not determine, for whoever uses the fitted law."""

import numpy as np

from fitting.data.design_checks import not_separated
from fitting.estimation.results import FitResult
from fitting.minimiser.status import Status
from jaxlaws.foundations.law import coefficients
from jaxlaws.laws.supervised import Supervised

_AT_EDGE = 1e-4  # an end of an interval this small against the value is at the edge 0
_SAME_RATIO = 2.0  # between the ratio of the least inputs and the ratio of the greatest


def caveats_of(result: FitResult) -> tuple[str, ...]:
    """What the runs of a fit, and those of its stages, do not determine: a sentence each.

    >>> from fitting import Runs, fit
    >>> from jaxlaws import presets
    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    >>> loss = presets.load("kaplan2020").loss(num_params=sizes, num_tokens=tokens)
    >>> table = {"num_params": sizes, "num_tokens": tokens, "loss": loss}
    >>> result = fit(Kaplan, Runs.read(table), num_starts=8, bounds={"alpha_N": (0.5, 1.0)})
    >>> caveats_of(result)[0].partition(":")[0]
    'alpha_N ended on its lower bound, 0.5'
    """
    found = [sentence for each in (*result.stages.values(), result) for sentence in each.warnings]
    if result.status > Status.FLAT_DIRECTION:
        found.append(f"the fit ended with the status {result.status.name}: do not rely on the law")
    elif result.status == Status.FLAT_DIRECTION and result.ensemble is None:
        found.append(
            "a direction of the coefficients is flat, which may move a plan: fit with bootstrap "
            "draws (--bootstrap 200) to see how far"
        )
    return tuple(dict.fromkeys(found))


def fewer_coefficients(result: FitResult) -> str:
    """The end of a sentence on what to do: fit a law without gamma. Empty if gamma is not free."""
    if type(result.law) is Supervised and "gamma" in result.identifiability.names:
        return ", or fit the law with fewer coefficients, --law chinchilla"
    return ""


def coefficients_on_bounds(result: FitResult, level: float = 0.9) -> tuple[str, ...]:
    """The free coefficients that are on a bound, in the fit or at an end of the draws' interval.

    A percentile interval of such a coefficient is not valid; `profile` gives one that is.
    """
    found = result.identifiability
    on_bound = {
        found.names[int(np.argmax(np.abs(direction)))]
        for value, direction in zip(found.eigenvalues, found.directions, strict=True)
        if np.isinf(value)
    }
    values = coefficients(result.law)
    # In the fit of a group, a number of the group's own is `E[web]` among the names of the fit.
    free = [n for n in values if any(x == n or x.startswith(f"{n}[") for x in found.names)]
    if result.ensemble is not None:
        ends = [coefficients(law) for law in result.interval(level)]
        bounds = result.restraints.bounds
        for name in free:
            low, high = (float(end[name]) for end in ends)
            on_zero = 0 <= low < _AT_EDGE * abs(float(values[name]))
            on_given = name in bounds and bool(np.any(np.isclose((low, high), bounds[name])))
            if on_zero or on_given:
                on_bound.add(name)
    return tuple(name for name in free if name in on_bound)


def open_splits(result: FitResult) -> dict[str, float]:
    """The ratio of tokens to parameters of runs that do not separate the two, by the size's name.

    It is NaN if the tokens are not in proportion to the size. Not for a law some of
    whose coefficients are held, because these may determine the split.
    """
    found = {}
    for each in (*result.stages.values(), result):
        for size, token in (
            ("num_params", "num_tokens"),
            ("num_student_params", "num_student_tokens"),
        ):
            sign = not_separated(each.warnings, size, token)
            if sign and not each.held():
                ratios = np.divide(each.fitted_range[token], each.fitted_range[size])
                same = sign > 0 and ratios.max() < _SAME_RATIO * ratios.min()
                found[size] = float(np.exp(np.log(ratios).mean())) if same else np.nan
    return found
