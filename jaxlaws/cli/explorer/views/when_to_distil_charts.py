"""The map and the table of the view on when distilling pays."""

import numpy as np

from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Axis,
    Column,
    Map,
    Mark,
    Scale,
    Series,
    Table,
)
from jaxlaws.cli.explorer.view import BUDGET, STUDENT
from jaxlaws.planning import (
    DistillationPlan,
    SupervisedPlan,
)

SIZES, BUDGETS = (STUDENT.low, STUDENT.high), (BUDGET.low, BUDGET.high)
XS, YS = np.geomspace(*SIZES, 40), np.geomspace(*BUDGETS, 36)


def crossing_lines(gains: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The lines of no gain: for each change of sign along the budget, sizes and budgets.

    The place between two rows of the map is interpolated in the logarithm of the budget.
    """
    found: dict[tuple[bool, int], list[tuple[float, float]]] = {}
    for column, size in enumerate(XS):
        each = gains[:, column]
        signs = np.sign(np.where(np.abs(each) > 1e-9, each, np.nan))
        known = np.flatnonzero(np.isfinite(signs))
        changes = np.flatnonzero(np.diff(signs[known]) != 0)
        counts = [0, 0]
        for low, high in zip(known[changes], known[changes + 1], strict=True):
            part = each[low] / (each[low] - each[high])
            budget = YS[low] ** (1 - part) * YS[high] ** part
            # A line has one better way on each side, also where another line ends.
            falls = bool(each[low] > 0)
            found.setdefault((falls, counts[falls]), []).append((float(size), float(budget)))
            counts[falls] += 1
    return [(np.array(line)[:, 0], np.array(line)[:, 1]) for line in found.values()]


def map_of_gains(
    gains: np.ndarray,
    beyond: np.ndarray,
    crossings: list[tuple[np.ndarray, np.ndarray]],
    here: tuple[float, float, float],
    unit: str,
) -> Map:
    """The gain over size and budget, with the lines of no gain, and the user's point and gain."""
    size, budget, gain = here
    finite = np.abs(gains[np.isfinite(gains)])
    most = float(f"{np.quantile(finite, 0.95):.1g}") if finite.size and finite.max() > 0 else 0.1
    most = most or 0.01
    pays = np.mean(gains[np.isfinite(gains)] > 0) if finite.size else 0.0
    return Map(
        id="map",
        title="Gain by distilling",
        alt=f"Gain over student size and budget: distilling pays in {pays:.0%} of the map. At your "
        f"point, {wording.size(size)} and {wording.flops(budget)}, the gain is {gain:.4f}.",
        x=Axis("Student size", "parameters", "log", *SIZES),
        y=Axis("Budget", "FLOPs", "log", *BUDGETS),
        xs=XS,
        ys=YS,
        z=gains,
        value=Scale(
            label="Gain",
            unit=wording.loss_unit(unit),
            centre=0.0,
            min=-most,
            max=most,
            extends="both",
        ),
        lines=[
            Series(name="no gain", role="optimum", x=sizes, y=budgets)
            for sizes, budgets in crossings
        ],
        marks=[Mark(size, budget, "you are here")],
        beyond=beyond,
        pick={"x": "num_student_params", "y": "flops"},
    )


def ways_table(alone: SupervisedPlan, student: DistillationPlan, unit: str) -> Table:
    """The plans of both ways."""
    return Table(
        title="The two ways at your point",
        columns=[
            Column("way"),
            Column("loss", wording.loss_unit(unit)),
            Column("student tokens", "tokens"),
            Column("teacher size", "parameters"),
            Column("teacher loss", wording.loss_unit(unit)),
            Column("for the teacher", "share of compute"),
        ],
        rows=[
            [
                "train alone",
                wording.number(alone.loss[-1]),
                wording.count(alone.num_tokens[-1]),
                "–",
                "–",
                "–",
            ],
            [
                "distil",
                wording.number(student.loss[-1]),
                wording.count(student.num_student_tokens[-1]),
                wording.count(student.num_teacher_params[-1]),
                wording.number(student.teacher_loss[-1]),
                wording.percent(float(student.shares.logits[-1] + student.shares.teacher[-1])),
            ],
        ],
    )
