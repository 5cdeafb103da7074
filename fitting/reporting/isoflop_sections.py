"""The part of a report on IsoFLOP profiles, for runs at a few budgets."""

from collections.abc import Sequence

import numpy as np

from fitting.data.run_sizes import extent
from fitting.data.runs import Runs
from fitting.reporting.markdown import markdown_table
from fitting.reporting.pages import Part, Picture
from fitting.reporting.scaling_figures import isoflop_curves
from fitting.reporting.tables import scaling_table
from fitting.scaling.isoflop import TOLERANCE, IsoflopProfile, isoflop_profiles, scaling_of_profiles
from fitting.scaling.optimal_scaling import QUANTITIES, OptimalScaling, power_lines
from jaxlaws.compute import training_flops
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import compute_optimal, is_solved

_FEWEST_SIZES = 4  # a parabola goes through three points exactly
_WIDEST = 0.1  # largest range of compute of one budget, decades
_NUM_DRAWS = 1000


def isoflop_report(law: Law, runs: Runs, *, unit: str = "nats", level: float = 0.9) -> list[Part]:
    """The IsoFLOP profiles of budgets with four sizes or more, and the optima of the law.

    Args:
        law: a law of size and tokens that was fitted to the runs.
        runs: supervised runs.
        unit: of the loss.
        level: level of the intervals, over resampled runs of each budget.

    Returns:
        Paragraphs in Markdown and pictures. None, if fewer than two such budgets have a minimum.
    """
    profiles = isoflop_profiles(runs, bootstrap=_NUM_DRAWS)
    found = [each for each in profiles if _has_one_budget(each)]
    usable = [each for each in found if not each.why_not]
    if len(usable) < 2:
        return []
    scalings = [scaling_of_profiles(found), *_of_law(law, usable)]
    num_left = len(runs) - sum(len(each.runs) for each in found)
    largest = max(each.flops for each in usable)
    return [
        "### IsoFLOP profiles",
        _table(found, level),
        Picture(
            isoflop_curves(found, unit=unit),
            "isoflop",
            "loss against size at each budget, with parabolas and their minima",
            f"IsoFLOP profiles of {len(found)} budgets, {len(usable)} of which have a minimum.",
        ),
        scaling_table(scalings, flops=largest, level=level),
        "For each budget: its runs, a parabola of their losses in log size, and the minimum of the "
        "parabola. The plans of the law have the same 6 N D as each minimum. The minimum of a "
        "parabola has a bias even without noise (`docs/isoflop.md`). The intervals are over "
        "resampled runs and do not include this bias. "
        f"{num_left} of {len(runs)} runs are left out, at budgets with fewer than {_FEWEST_SIZES} "
        "sizes. Runs have one budget if a column of budgets says so, else if neighbours differ by "
        f"less than {TOLERANCE / 5:g} decades.",
    ]


def _has_one_budget(profile: IsoflopProfile) -> bool:
    sizes, flops = (extent(profile.runs, name) for name in ("num_params", "flops"))
    return len(np.unique(sizes)) >= _FEWEST_SIZES and np.ptp(np.log10(flops)) <= _WIDEST


def _of_law(law: Law, usable: Sequence[IsoflopProfile]) -> list[OptimalScaling]:
    """The plans of the law at the budgets where it has one; none for fewer than two budgets."""
    sizes, tokens = (
        np.array([each.minimum[name] for each in usable]) for name in ("num_params", "num_tokens")
    )
    budgets = np.asarray(training_flops(num_params=sizes, num_tokens=tokens))
    plan = compute_optimal(law, flops=budgets)
    solved = np.asarray(is_solved(plan.status))
    points = {name: np.asarray(getattr(plan, name))[solved] for name in QUANTITIES}
    flops = np.array([each.flops for each in usable])[solved]
    if len(np.unique(flops)) < 2:
        return []
    return [power_lines(f"{type(law).__name__}, fitted", flops, points)]


def _table(found: Sequence[IsoflopProfile], level: float) -> str:
    rows = []
    for each in found:
        row = [each.title, str(len(each.runs))]
        if each.why_not:
            rows.append([*row, each.why_not, "", ""])
            continue
        for name in QUANTITIES:
            form = "{:.4f}".format if name == "loss" else format_quantity
            drawn = each.draws[name][np.isfinite(each.draws[name])]
            low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
            row.append(f"{form(each.minimum[name])} ({form(float(low))} to {form(float(high))})")
        rows.append(row)
    return markdown_table(["budget", "runs", "best size", "tokens", "loss"], rows)
