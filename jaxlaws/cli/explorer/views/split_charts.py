"""The charts and the table of the view that splits a budget."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Axis,
    Bars,
    Column,
    Drag,
    Lines,
    Map,
    Mark,
    Part,
    Scale,
    Series,
    Table,
    Vertical,
    axis_around,
)
from jaxlaws.cli.explorer.view import BUDGET
from jaxlaws.planning import DistillationPlan

SHARES = (0.01, 0.99)


GRID = np.linspace(*SHARES, 50)


CUT = np.linspace(*SHARES, 99)


PARTS = {
    "teacher": "training of the teacher",
    "logits": "logits of the teacher",
    "student": "training of the student",
}


def in_words(shares: dict[str, float]) -> str:
    """The shares of a split in words."""
    return (
        f"{wording.percent(shares['teacher'])} on the teacher's training, "
        f"{wording.percent(shares['logits'])} on its logits and "
        f"{wording.percent(shares['student'])} on the student"
    )


def share_bars(yours: dict[str, float], optimal: dict[str, float]) -> Bars:
    """The shares of both splits."""
    return Bars(
        id="shares",
        title="Your split and the best one",
        alt=f"Your split: {in_words(yours)}. The best: {in_words(optimal)}.",
        categories=["your split", "best split"],
        value=Axis("Share of the budget", "%", "linear", 0.0, 100.0),
        parts=[
            Part(label, name, [100 * yours[name], 100 * optimal[name]])
            for name, label in PARTS.items()
        ],
        drag=Drag(0, ["teacher_share", "logits_share", None], nested=True),
    )


def split_map(
    surface: np.ndarray,
    beyond: np.ndarray,
    best: float,
    here: tuple[float, float],
    best_at: tuple[float, float],
    unit: str,
) -> Map:
    """The loss of every split."""
    above = surface - best
    finite = above[np.isfinite(above)]
    most = float(f"{np.quantile(finite, 0.7):.1g}") if finite.size else 1.0
    marks = [Mark(100 * here[0], 100 * here[1], "your split")]
    if np.isfinite(best_at).all():
        marks.append(Mark(100 * best_at[0], 100 * best_at[1], "best split", "optimum"))
    axis = ("%", "linear", 100 * SHARES[0], 100 * SHARES[1])
    return Map(
        id="map",
        title="Every split: loss above that of the best",
        alt=f"Loss above the best by the teacher's share and the logits' share of the rest. Your "
        f"split: {wording.percent(here[0])} and {wording.percent(here[1])}.",
        x=Axis("Teacher's training", *axis),
        y=Axis("Logits, of the rest", *axis),
        xs=100 * GRID,
        ys=100 * GRID,
        z=above,
        value=Scale(
            label="Loss above the best",
            unit=wording.loss_unit(unit),
            min=0.0,
            max=most or 0.1,
            extends="max",
        ),
        marks=marks,
        beyond=beyond,
    )


def cut_chart(
    losses: np.ndarray, teacher: float, logits: float, here: float, best: float, unit: str
) -> Lines:
    """The loss over the share of the teacher's training."""
    return Lines(
        id="cut",
        title="Loss over the teacher's share",
        alt=f"With {wording.percent(logits)} of the rest for logits, the loss is lowest at "
        f"{wording.percent(float(CUT[np.argmin(losses)]))} for the teacher's training.",
        x=Axis("Teacher's training", "%", "linear", 100 * SHARES[0], 100 * SHARES[1]),
        y=axis_around("Loss", wording.loss_unit(unit), [np.quantile(losses, [0, 0.8]), [here]]),
        series=[
            Series(name="your share of logits", role="distil", x=100 * CUT, y=losses),
            Series(
                name="best split",
                role="optimum",
                style="dashed",
                x=100 * np.array(SHARES),
                y=[best, best],
            ),
        ],
        marks=[Mark(100 * teacher, here, "your split")],
    )


def budgets_chart(
    budgets: np.ndarray,
    plans: DistillationPlan,
    fitted_range: Mapping[str, tuple[float, float]],
) -> Lines:
    """The best shares over the budget."""
    order = np.argsort(budgets)
    return Lines(
        id="over_budgets",
        title="Best split over the budget",
        alt="Best shares of the budget: "
        + "; ".join(
            f"at {wording.flops(budgets[i])} "
            + ", ".join(f"{name} {wording.percent(plans.shares[name][i])}" for name in PARTS)
            for i in (0, len(budgets) // 2, len(budgets) - 2)
        ),
        x=Axis("Budget", "FLOPs", "log", BUDGET.low, BUDGET.high),
        y=Axis("Share of the budget", "%", "linear", 0.0, 100.0),
        series=[
            Series(name=label, role=name, x=budgets[order], y=100 * plans.shares[name][order])
            for name, label in PARTS.items()
        ],
        verticals=[Vertical(float(budgets[-1]), "your budget")],
        regions=wording.spans(
            budgets[order],
            wording.is_beyond(plans, fitted_range, budgets.shape)[order],
            "beyond the runs",
        ),
    )


def split_table(here: dict[str, float], best: dict[str, float], unit: str) -> Table:
    """What both splits pay for."""
    return Table(
        title="What the two splits pay for",
        columns=[
            Column("split"),
            Column("loss", wording.loss_unit(unit)),
            Column("student tokens", "tokens"),
            Column("teacher size", "parameters"),
            Column("teacher tokens", "tokens"),
            Column("teacher loss", wording.loss_unit(unit)),
        ],
        rows=[
            [
                name,
                wording.number(each["loss"]),
                wording.count(each["num_student_tokens"]),
                wording.count(each["num_teacher_params"]),
                wording.count(each["num_teacher_tokens"]),
                wording.number(each["teacher_loss"]),
            ]
            for name, each in (("yours", here), ("best", best))
        ],
    )
