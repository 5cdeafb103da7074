"""IsoFLOP profiles: the runs of one budget, and the size with the lowest loss.

This is the second approach of Hoffmann et al. (2022). For each budget, a polynomial of the loss in
the log of the size (or of the tokens) is fitted, and power laws go through the minima.

A profile is not exactly a parabola, so the minimum of a parabola has a bias even without noise. If
the runs of all budgets have the same positions relative to the minimum, the bias is the same factor
at each budget, and the exponents are right. Otherwise the exponents are wrong, too
(`docs/isoflop.md` gives numbers). A cubic removes the bias where the minimum is in the middle of
the runs, but not where it is at one side of them, and its minima have a larger variance.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np

from fitting.data.preparation.usual_names import named
from fitting.data.run_sizes import extent
from fitting.data.runs import Runs
from fitting.estimation.resampling import pairs_weights
from fitting.scaling.optimal_scaling import QUANTITIES, OptimalScaling, power_lines
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.foundations.text.cards import Card, Displayed
from jaxlaws.foundations.text.cells import cell, heading
from jaxlaws.foundations.text.tables import Table

Along: TypeAlias = Literal["num_params", "num_tokens"]

TOLERANCE = 0.1  # decades
_BUDGETS = ("budget flops_budget flop_budget compute_budget isoflop_budget target_flops",)
_SAME_COMPUTE = 1.0  # decades between the median run and its budget
_FEWEST_RUNS = 3  # of a budget, on average
_OTHER: dict[Along, Along] = {"num_params": "num_tokens", "num_tokens": "num_params"}


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class IsoflopProfile(Displayed):
    """The runs of one budget, and the minimum of a polynomial through their losses.

    Attributes:
        flops: the budget, the geometric mean of the compute of the runs.
        along: the input; the loss is a polynomial in its log.
        runs: the runs of the budget.
        minimum: `num_params`, `num_tokens` and `loss` of the minimum; NaN if there is no minimum.
        draws: the same for resampled runs, `(num_draws,)` each.
        why_not: the reason why the profile has no minimum; empty if it has one.
        num_left_out: number of runs of the table that belong to no profile, because they are
            farther than the tolerance from every budget; the same in all profiles of a table.
    """

    flops: float
    along: Along
    runs: Runs
    minimum: dict[str, float]
    draws: dict[str, np.ndarray]
    why_not: str
    num_left_out: int = 0
    _coefficients: np.ndarray = dataclasses.field(repr=False)

    @property
    def title(self) -> str:
        """The budget with two digits, such as `7.9e11 FLOPs`."""
        return f"{self.flops:.2g} FLOPs".replace("e+", "e")

    def _card(self) -> Card:
        rows = [[heading(name), cell(name, value)] for name, value in self.minimum.items()]
        table = Table(["at the minimum", "value"], [] if self.why_not else rows)
        notes = [f"No minimum: {self.why_not}."] if self.why_not else []
        title = f"IsoFLOP profile of {len(self.runs)} runs with {format_flops(self.flops)} FLOPs"
        return Card(title, table, notes)

    def loss_at(self, values: np.ndarray) -> np.ndarray:
        """The polynomial at some values of the input `along`, `(num_values,)`."""
        scaled = _scaled(np.log(values), np.log(extent(self.runs, self.along)))
        return _powers(scaled, len(self._coefficients)) @ self._coefficients


def isoflop_profiles(
    runs: Runs,
    *,
    budgets: Sequence[float] | None = None,
    tolerance: float = TOLERANCE,
    along: Along = "num_params",
    degree: Literal[2, 3] = 2,
    bootstrap: int = 0,
    seed: int = 0,
) -> list[IsoflopProfile]:
    """Group runs by budget, and find the minimum of the loss in each group.

    Args:
        runs: supervised runs; their compute is the column `flops`, else 6 N D.
        budgets: budgets in FLOPs. Each run belongs to the nearest budget within the tolerance.
            None: the budgets come from the runs; in order of compute, neighbours that differ by
            less than a fifth of the tolerance have the same budget. If the table has a column of
            budgets (such as `budget`), runs with the same value there have the same budget.
        tolerance: largest distance of a run from its budget, in decades.
        along: the input of the polynomial (by its log), `num_params` or `num_tokens`.
        degree: degree of the polynomial, 2 or 3.
        bootstrap: number of draws of the runs of each profile.
        seed: seed of the draws.

    Returns:
        One profile per budget, ascending; `num_left_out` of each counts the runs that are in no
        profile. If the minimum is outside the runs, if the polynomial
        has no minimum, or if there are too few sizes, the profile has no minimum, and `why_not`
        gives the reason.

    Raises:
        ValueError: an argument is out of range, or the table lacks sizes, tokens or compute.

    >>> flops, ratio = np.repeat([1e19, 1e20, 1e21], 7), np.tile(np.geomspace(1 / 8, 8, 7), 3)
    >>> sizes = (flops / 120) ** 0.5 * ratio
    >>> loss = 2 + (flops / 1e20) ** -0.1 * (1 + np.log(ratio) ** 2 / 10)
    >>> runs = Runs.read({"num_params": sizes, "num_tokens": flops / 6 / sizes, "loss": loss})
    >>> [f"{each.minimum['num_params']:.3g}" for each in isoflop_profiles(runs)]
    ['2.89e+08', '9.13e+08', '2.89e+09']
    """
    if along not in _OTHER or degree not in (2, 3):
        raise ValueError(
            f"expected along num_params or num_tokens and degree 2 or 3, got {along!r}, {degree!r}"
        )
    if not tolerance > 0 or bootstrap < 0:
        raise ValueError(
            f"expected a tolerance above 0 and no negative bootstrap, got {tolerance}, {bootstrap}"
        )
    log_flops = np.log10(extent(runs, "flops"))
    column = None if budgets is not None else _budget_column(runs, log_flops)
    if column is None:
        groups = _groups(log_flops, budgets, tolerance)
    else:
        groups = [column == budget for budget in np.unique(column)]
    num_left_out = int((~np.any(groups, axis=0)).sum())
    profiles = [
        _profile(runs.where(group), along, degree, bootstrap, seed + i)
        for i, group in enumerate(groups)
    ]
    return [dataclasses.replace(each, num_left_out=num_left_out) for each in profiles]


def scaling_of_profiles(found: Sequence[IsoflopProfile]) -> OptimalScaling:
    """Fit power laws through the minima of the profiles that have a minimum.

    Raises:
        ValueError: fewer than two profiles have a minimum; the message gives the reasons.
    """
    usable = [each for each in found if not each.why_not]
    if len(usable) < 2:
        reasons = "; ".join(f"{format_quantity(p.flops)}: {p.why_not}" for p in found if p.why_not)
        raise ValueError(
            f"{len(usable)} of {len(found)} IsoFLOP profiles have a minimum; two are needed. "
            f"{reasons}"
        )
    shape = {2: "parabolas", 3: "cubics"}[len(usable[0]._coefficients) - 1]
    input_name = {"num_params": "size", "num_tokens": "tokens"}[usable[0].along]
    return power_lines(
        f"IsoFLOP, {shape} in log {input_name}",
        np.array([each.flops for each in usable]),
        {name: np.array([each.minimum[name] for each in usable]) for name in QUANTITIES},
        {name: np.stack([each.draws[name] for each in usable], axis=1) for name in QUANTITIES},
    )


def _budget_column(runs: Runs, log_flops: np.ndarray) -> np.ndarray | None:
    """The values of a column of budgets with several runs each; None where there is no such one."""
    titles = named(_BUDGETS, [*runs.others, *runs.titles.values()])
    for values in (runs.column(title) for title in titles):
        if values.dtype.kind != "f" or not np.all(values > 0):
            continue
        is_compute = np.abs(np.median(np.log10(values) - log_flops)) < _SAME_COMPUTE
        if is_compute and _FEWEST_RUNS * len(np.unique(values)) <= len(values):
            return values
    return None


def _groups(
    log_flops: np.ndarray, budgets: Sequence[float] | None, tolerance: float
) -> list[np.ndarray]:
    """The mask of the runs of each budget, `(num_runs,)` each."""
    if budgets is None:
        order = np.argsort(log_flops)
        steps = np.diff(log_flops[order]) > tolerance / 5
        labels = np.empty(len(log_flops), dtype=int)
        labels[order] = np.concatenate([[0], np.cumsum(steps)])
        return [labels == label for label in range(labels.max() + 1)]
    given = np.sort(np.asarray(budgets, dtype=np.float64))
    if given.ndim != 1 or not len(given) or not np.all((given > 0) & (given < np.inf)):
        raise ValueError(f"expected budgets in FLOPs, a list of positive numbers, got {budgets!r}")
    off = np.abs(log_flops[:, None] - np.log10(given))
    near, distance = off.argmin(axis=1), off.min(axis=1)
    groups = [(near == i) & (distance <= tolerance) for i in range(len(given))]
    for budget, group in zip(given, groups, strict=True):
        if not group.any():
            raise ValueError(
                f"no run is within {tolerance} decades of {budget:g} FLOPs: leave out this budget, "
                "or pass a larger tolerance"
            )
    return groups


def _profile(runs: Runs, along: Along, degree: int, num_draws: int, seed: int) -> IsoflopProfile:
    x = np.log(extent(runs, along))
    other = _OTHER[along]
    targets = np.stack([runs.loss, np.log(extent(runs, other))], axis=1)
    scaled = _scaled(x, x)
    weights = np.ones((1, len(x)))
    if num_draws:
        weights = np.concatenate([weights, pairs_weights(len(x), num_draws, seed)])
    solved = _least_squares(scaled, targets, weights, degree)
    bottom, curvature = _minimum(solved[..., 0])
    inside = np.abs(bottom) <= 1
    powers = _powers(np.where(inside, bottom, np.nan), degree + 1)
    loss, log_other = np.einsum("dp,dpt->td", powers, solved)
    middle, half = _middle_and_half(x)
    found = {along: np.exp(middle + half * powers[:, 1]), other: np.exp(log_other), "loss": loss}
    why_not = ""
    if len(np.unique(x)) <= degree + 1:
        why_not = f"{len(np.unique(x))} values of {along}, fewer than {degree + 2}"
    elif not curvature[0] > 0:
        why_not = "the polynomial has no minimum"
    elif not inside[0]:
        where = np.exp(middle + half * bottom[0])
        ends = " to ".join(format_quantity(float(np.exp(end))) for end in (x.min(), x.max()))
        why_not = f"its minimum, {format_quantity(where)} {along}, lies outside its runs, {ends}"
    return IsoflopProfile(
        flops=float(np.exp(np.log(extent(runs, "flops")).mean())),
        along=along,
        runs=runs,
        minimum={n: np.nan if why_not else float(found[n][0]) for n in QUANTITIES},
        draws={name: found[name][1:] for name in QUANTITIES},
        why_not=why_not,
        _coefficients=solved[0, :, 0],
    )


def _middle_and_half(x: np.ndarray) -> tuple[float, float]:
    return (x.max() + x.min()) / 2, max((x.max() - x.min()) / 2, 1e-12)


def _scaled(x: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Logs mapped so that the runs lie between -1 and 1, where polynomials are well conditioned."""
    middle, half = _middle_and_half(of)
    return (x - middle) / half


def _powers(scaled: np.ndarray, count: int) -> np.ndarray:
    return scaled[..., None] ** np.arange(count)


def _least_squares(
    scaled: np.ndarray, targets: np.ndarray, weights: np.ndarray, degree: int
) -> np.ndarray:
    """Coefficients of polynomials, `(num_draws, degree + 1, num_targets)`.

    They are NaN where a draw has too few different values of the input.
    """
    design = _powers(scaled, degree + 1)
    gram = np.einsum("dr,rp,rq->dpq", weights, design, design)
    right = np.einsum("dr,rp,rt->dpt", weights, design, targets)
    _, which = np.unique(scaled, return_inverse=True)
    drawn = np.stack([weights[:, which == i].any(axis=1) for i in range(which.max() + 1)])
    enough = drawn.sum(axis=0) > degree
    gram[~enough] = np.eye(degree + 1)
    return np.where(enough[:, None, None], np.linalg.solve(gram, right), np.nan)


def _minimum(coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The minimum of polynomials of degree 2 or 3, and the second derivative there.

    The root of `b + 2 c x + 3 d x**2` with positive second derivative is
    `-b / (c + sqrt(c**2 - 3 b d))`. With d = 0 it is the minimum of a parabola.
    """
    b, c = coefficients[:, 1], coefficients[:, 2]
    d = coefficients[:, 3] if coefficients.shape[1] > 3 else np.zeros_like(c)
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(c**2 - 3 * b * d)
        minimum = -b / (c + root)
    curvature = np.where(d == 0, 2 * c, 2 * root)
    return np.where(curvature > 0, minimum, np.nan), curvature
