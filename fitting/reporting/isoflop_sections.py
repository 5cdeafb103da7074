"""The part of a report on runs that lie on a few budgets: IsoFLOP profiles, beside the law."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fitting.data.run_sizes import extent
from fitting.data.runs import Runs
from fitting.reporting.markdown import markdown_table
from fitting.reporting.scaling_figures import isoflop_curves
from fitting.reporting.tables import scaling_table
from fitting.scaling.isoflop import IsoflopProfile, isoflop_profiles, scaling_of_profiles
from fitting.scaling.optimal_scaling import QUANTITIES, OptimalScaling, power_lines
from jaxlaws.compute import training_flops
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning.supervised.allocation import compute_optimal

_FEWEST_SIZES = 4  # one more than a parabola goes through exactly
_WIDEST = 0.1  # decades of compute: wider, and the runs are not of one budget
_NUM_DRAWS = 1000


def isoflop_report(law: Any, runs: Runs, *, level: float = 0.9) -> list[str | Figure]:
    """Profiles of the budgets at which there are four sizes or more, and their minima by the law.

    Nothing where fewer than two such budgets have a minimum.

    Args:
        law: fitted to the runs, of sizes and tokens alone.
        runs: supervised ones.
        level: of the intervals, over resampled runs of each budget.
    """
    found = [each for each in isoflop_profiles(runs, bootstrap=_NUM_DRAWS) if _is_one(each)]
    usable = [each for each in found if not each.why_not]
    if len(usable) < 2:
        return []
    scalings = [scaling_of_profiles(found), _of_law(law, usable)]
    largest = max(each.flops for each in usable)
    return [
        "### IsoFLOP profiles",
        _table(found, level),
        isoflop_curves(found),
        scaling_table(scalings, flops=largest, level=level),
        "Each budget's runs, a parabola of their losses in log size, and its minimum. The law is "
        "asked for the best size at as much 6 N D as each minimum has. A parabola's minimum is off "
        "even without noise (`docs/isoflop.md`), and intervals, over resampled runs, do not know.",
    ]


def _is_one(profile: IsoflopProfile) -> bool:
    sizes, flops = (extent(profile.runs, name) for name in ("num_params", "flops"))
    return len(np.unique(sizes)) >= _FEWEST_SIZES and np.ptp(np.log10(flops)) <= _WIDEST


def _of_law(law: Any, usable: Sequence[IsoflopProfile]) -> OptimalScaling:
    sizes, tokens = (
        np.array([each.minimum[name] for each in usable]) for name in ("num_params", "num_tokens")
    )
    budgets = np.asarray(training_flops(num_params=sizes, num_tokens=tokens))
    plan = compute_optimal(law, flops=budgets)
    points = {name: np.asarray(getattr(plan, name)) for name in QUANTITIES}
    flops = np.array([each.flops for each in usable])
    return power_lines(f"{type(law).__name__}, fitted", flops, points)


def _table(found: Sequence[IsoflopProfile], level: float) -> str:
    rows = []
    for each in found:
        told = [each.title, str(len(each.runs))]
        if each.why_not:
            rows.append([*told, each.why_not, "", ""])
            continue
        for name in QUANTITIES:
            form = "{:.4f}".format if name == "loss" else format_quantity
            drawn = each.draws[name][np.isfinite(each.draws[name])]
            low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
            told.append(f"{form(each.minimum[name])} ({form(float(low))} to {form(float(high))})")
        rows.append(told)
    return markdown_table(["budget", "runs", "best size", "its tokens", "its loss"], rows)
