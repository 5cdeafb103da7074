"""Draws the picture of the README and of the first page: runs with their law, and a decision.

python docs/first_picture.py
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from fitting import bundled_runs, fit, predict
from jaxlaws import presets
from jaxlaws.compute import training_flops
from jaxlaws.figures.axes import flops_axis, legend_above, loss_axis
from jaxlaws.figures.lines import shade_extrapolation
from jaxlaws.figures.style import (
    ROLES,
    RULE,
    house_style,
    new_figure,
    ordered_colours,
    save_figure,
    with_lines_below,
)
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.laws.supervised import Supervised
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING_AND_INFERENCE,
    compute_optimal,
    distill,
    extrapolation_decades,
    train_fixed,
)

SIZE = 1e9
NOTE = (
    "Left: small models trained for this project (points), the law fitted to them (curves), and "
    "the best loss for each budget. Right: a student of 1B parameters; distilling it is better "
    "than training it where the gain is above zero (law busbridge2025_refit). Grey: a "
    "planned size or number of tokens lies beyond the runs that the law was fitted to."
)
SCENARIOS = {
    "the student only": (FREE_TEACHER, ROLES["student"]),
    "and the teacher's logits": (TEACHER_INFERENCE, ROLES["logits"]),
    "and the teacher's training": (TEACHER_PRETRAINING_AND_INFERENCE, ROLES["teacher"]),
}


def main() -> None:
    """Write the picture into the folder of static files."""
    with house_style():
        figure, (left, right) = new_figure(2, height=3.4)
        _runs_and_law(left)
        _decision(right)
        with_lines_below(figure, [NOTE])
        save_figure(figure, Path(__file__).parent / "_static" / "first_picture.svg")


def _runs_and_law(axes: Axes) -> None:
    """The loss of the bundled runs against their compute."""
    runs = bundled_runs("supervised")
    result = fit(Supervised, runs)
    law = result.law
    sizes, tokens = runs.inputs["num_params"], runs.inputs["num_tokens"]
    distinct = np.unique(sizes)
    for size, colour in zip(distinct, ordered_colours(len(distinct)), strict=True):
        here = sizes == size
        line = np.geomspace(tokens[here].min(), tokens[here].max(), 60)
        label = format_quantity(float(size)) if size in distinct[:: len(distinct) // 4] else None
        axes.scatter(6 * size * tokens[here], runs.loss[here], s=12, color=colour, linewidths=0)
        losses = predict(law, {"num_params": size, "num_tokens": line})
        axes.plot(6 * size * line, losses, color=colour, linewidth=1.1, label=label)
    budgets = np.geomspace(1e9, 1e14, 40)
    best = compute_optimal(law, flops=budgets)
    axes.plot(budgets, best.loss, color=RULE, linestyle="--", label="best for the compute")
    shade_extrapolation(axes, budgets, extrapolation_decades(best, result.fitted_range))
    flops_axis(axes.xaxis, "training compute (FLOPs)")
    loss_axis(axes.yaxis, unit="nats/byte")
    legend_above(axes, "parameters")


def _decision(axes: Axes) -> None:
    """What a teacher gains, for each kind of cost that is charged."""
    law = presets.load("busbridge2025_refit")
    fitted_range = presets.describe("busbridge2025_refit").fitted_range
    budgets = np.geomspace(training_flops(num_params=SIZE, num_tokens=2e9), 1e23, 60)
    alone = train_fixed(law, flops=budgets, num_params=SIZE)
    decades = [extrapolation_decades(alone, fitted_range)]
    for label, (scenario, colour) in SCENARIOS.items():
        plan = distill(law, flops=budgets, num_student_params=SIZE, scenario=scenario)
        axes.plot(budgets, alone.loss - plan.loss, color=colour, label=label)
        decades.append(extrapolation_decades(plan, fitted_range))
    shade_extrapolation(axes, budgets, np.max(decades, axis=0))
    axes.axhline(0, color=RULE, linewidth=1)
    flops_axis(axes.xaxis, "compute (FLOPs)")
    loss_axis(axes.yaxis, "gain from a teacher")
    legend_above(axes, "the budget pays for")


if __name__ == "__main__":
    main()
