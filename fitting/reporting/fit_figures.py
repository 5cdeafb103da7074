"""Figures of fits: predicted against measured losses."""

from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from fitting.data.predictions import predict, relative_errors
from fitting.data.runs import Runs
from fitting.validation.cross_validation import RollOut
from jaxlaws.figures.axes import legend_above, loss_axis, named_in_legend, quantity_axis
from jaxlaws.figures.style import (
    INK,
    RULE,
    house_style,
    new_figure,
    ordered_colours,
    set_title,
    with_lines_below,
)
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.cells import heading
from jaxlaws.foundations.text.escaping import figure_text

_RINGS = "rings: runs that the fit did not see"


def fit_and_residuals(
    law: Law,
    runs: Runs,
    *,
    held_out: np.ndarray | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw measured loss against predicted loss, and the residuals in per cent.

    Args:
        law: the law that predicts.
        runs: the runs, with one colour per size; of many sizes, the legend has some.
        held_out: boolean `(num_runs,)`, true for runs that the fit did not see; drawn as rings.
        unit: of the loss.
        title: title of the figure.
    """
    predicted = predict(law, runs.inputs)
    residuals = relative_errors(predicted, runs)
    size_name = law.input_names[0]
    sizes = runs.inputs[size_name]
    ringed = np.zeros(len(runs), bool) if held_out is None else held_out
    distinct = np.unique(sizes)
    named = named_in_legend(len(distinct))
    with house_style():
        figure, (against, residual) = new_figure(2, height=3.7)
        for index, (size, colour) in enumerate(
            zip(distinct, ordered_colours(len(distinct)), strict=True)
        ):
            label = format_quantity(float(size)) if index in named else None
            for ring in (False, True):
                here = (sizes == size) & (ringed == ring)
                look = {
                    "s": 18,
                    "edgecolors": [colour],
                    "facecolors": "none" if ring else [colour],
                    "label": None if ring else label,
                }
                against.scatter(predicted[here], runs.loss[here], **look)
                residual.scatter(runs.loss[here], residuals[here], **look)
        ends = [min(predicted.min(), runs.loss.min()), max(predicted.max(), runs.loss.max())]
        against.plot(ends, ends, color=RULE, linewidth=0.8, zorder=0)
        residual.axhline(0, color=RULE, linewidth=0.8, zorder=0)
        loss_axis(against.xaxis, "predicted loss", unit)
        loss_axis(against.yaxis, "measured loss", unit)
        loss_axis(residual.xaxis, "measured loss", unit)
        loss_axis(residual.yaxis, "predicted minus measured", "%")
        for axes in (against, residual):
            legend_above(axes, heading(size_name))
        if held_out is not None:
            with_lines_below(figure, [_RINGS])
        set_title(figure, title)
    return figure


class _DistillationLaw(Law, Protocol):
    @property
    def supervised(self) -> Law: ...


def student_against_teacher(
    law: _DistillationLaw,
    runs: Runs,
    *,
    most: int = 6,
    held_out: np.ndarray | None = None,
    unit: str = "nats",
    title: str = "",
) -> Figure:
    """Draw a student's loss against its teacher's loss, for students with several teachers.

    A dashed line is the loss of the student without a teacher, by the supervised law. Below the
    grey line a student has a lower loss than its teacher.

    Args:
        law: a distillation law.
        runs: distilled runs.
        most: number of students to draw, the ones with the most teachers first.
        held_out: boolean `(num_runs,)`, true for runs that the fit did not see; drawn as rings.
        unit: of the loss.
        title: title of the figure.
    """
    ringed = np.zeros(len(runs), bool) if held_out is None else held_out
    names = ("num_student_params", "num_student_tokens")
    students = np.stack([runs.inputs[name] for name in names], axis=1)
    distinct, which, counts = np.unique(students, axis=0, return_inverse=True, return_counts=True)
    drawn = sorted(np.argsort(-counts, kind="stable")[:most])
    teachers = runs.inputs["teacher_loss"]
    line = np.linspace(teachers.min() * 0.97, teachers.max() * 1.02, 200)
    with house_style():
        figure, axes = new_figure(width=5.0, height=4.4)
        for student, colour in zip(drawn, ordered_colours(len(drawn)), strict=True):
            here = which.ravel() == student
            size, tokens = distinct[student]
            label = f"{format_quantity(size)} on {format_quantity(tokens)} tokens"
            fills = np.where(ringed[here], "none", colour)
            axes.scatter(teachers[here], runs.loss[here], s=18, edgecolors=colour, c=fills)
            curve = predict(
                law, dict(zip(names, (size, tokens), strict=True)) | {"teacher_loss": line}
            )
            axes.plot(line, curve, color=colour, linewidth=1.2, label=label)
            alone = predict(law.supervised, {"num_params": size, "num_tokens": tokens})
            axes.axhline(float(alone), color=colour, linewidth=0.8, linestyle="--")
        limits = axes.get_ylim()
        axes.plot(line, line, color=RULE, linewidth=0.8, zorder=0)
        axes.set_ylim(min(limits[0], line[0]), limits[1])
        loss_axis(axes.xaxis, "the teacher's loss", unit)
        loss_axis(axes.yaxis, "the student's loss", unit)
        legend_above(axes, "student")
        notes = "dashed: the student without a teacher; grey: as good as the teacher"
        with_lines_below(figure, [notes + ("" if held_out is None else f"; {_RINGS}")])
        set_title(figure, title)
    return figure


def roll_out_errors(rolled: RollOut, *, title: str = "") -> Figure:
    """Draw absolute errors against extrapolation, as a factor.

    A point is the prediction of a run from one window of smaller runs; its colour shows the
    window. The lines are medians of absolute errors, in steps of half a decade, for the law and
    for its baselines.

    Args:
        rolled: the roll-out.
        title: title of the figure.
    """
    with house_style():
        figure, axes = new_figure(width=5.4, height=4.2)
        named = named_in_legend(len(rolled.hold_outs))
        windows = zip(
            rolled.hold_outs, rolled.decades, ordered_colours(len(rolled.hold_outs)), strict=True
        )
        for index, (each, decades, colour) in enumerate(windows):
            name = figure_text(each.name.replace(rolled.by, heading(rolled.by)))
            errors = np.abs(each.errors["law"])
            axes.scatter(
                10 ** np.repeat(decades, errors.size // len(errors)),
                errors.ravel(),
                s=12,
                alpha=0.6,
                color=colour,
                label=f"{each.fit.num_runs} runs fitted, {name}" if index in named else None,
            )
        looks = ["-", "--", ":", "-."]
        for index, predictor in enumerate(rolled.hold_outs[0].errors):
            steps = rolled.by_distance(predictor)
            middles = [10 ** (sum(step["decades"]) / 2) for step in steps]
            medians = [step["median"] for step in steps]
            look = looks[index % len(looks)]
            axes.plot(middles, medians, look, color=INK, marker=".", label=f"median, {predictor}")
        axes.set_xlim(left=1)
        quantity_axis(axes.xaxis, f"{heading(rolled.by)}, times the largest fitted run")
        quantity_axis(axes.yaxis, "absolute error (%)")
        legend_above(axes)
        set_title(figure, title)
    return figure
