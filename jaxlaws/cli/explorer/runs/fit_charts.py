"""A fit, and its charts."""

import dataclasses

import numpy as np

from fitting import (
    FitResult,
    Runs,
    predict,
    relative_errors,
)
from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Axis,
    Lines,
    Series,
    axis_around,
)
from jaxlaws.cli.explorer.runs.fit_jobs import FitRequest
from jaxlaws.cli.explorer.runs.uploads import Upload
from jaxlaws.foundations.law import Law

_MOST_SIZES = 8  # curves of the chart of the fit


_DRAWN = 61  # points of a curve


@dataclasses.dataclass(frozen=True, eq=False)
class Fit:
    """A fit, with what it was made from."""

    request: FitRequest
    upload: Upload
    law_type: type[Law]
    runs: Runs
    result: FitResult
    reported: list[str]

    @property
    def predicted(self) -> np.ndarray:
        """The losses that the fitted law predicts for the runs."""
        return predict(self.result.law, self.runs.inputs)

    @property
    def errors(self) -> np.ndarray:
        """Predicted above measured losses, in per cent."""
        return relative_errors(self.predicted, self.runs)


def _kind(found: Fit) -> tuple[str, str]:
    """The input whose values give the curves, and the input of the x axis."""
    names = found.law_type.input_names
    for size, along in (("num_params", "num_tokens"), ("num_student_params", "teacher_loss")):
        if size in names and along in names:
            return size, along
    return names[0], names[-1]


def runs_and_law(found: Fit) -> Lines:
    """The runs as points and the law as curves, a colour for each size."""
    size, along = _kind(found)
    inputs, loss = found.runs.inputs, found.runs.loss
    edges = np.quantile(np.log(inputs[size]), np.linspace(0, 1, _MOST_SIZES + 1))
    group = np.clip(np.searchsorted(edges, np.log(inputs[size]), side="right") - 1, 0, 7)
    low, high = float(inputs[along].min()), float(inputs[along].max())
    room = max(high / low, 1.5) ** 0.04
    low, high = low / room, high * room
    scale = "log" if along != "teacher_loss" else "linear"
    xs = np.geomspace(low, high, _DRAWN)
    series = []
    for index in np.unique(group):
        chosen = group == index
        middle = float(np.exp(np.median(np.log(inputs[size][chosen]))))
        fixed = {
            name: float(np.median(inputs[name][chosen])) for name in found.law_type.input_names
        }
        curve = predict(found.result.law, {**fixed, size: middle, along: xs})
        about = "" if np.ptp(inputs[size][chosen]) == 0 else "≈ "
        role, name = f"size{index}", about + wording.size(middle)
        series += [
            Series(name=name, role=role, x=xs, y=np.broadcast_to(curve, xs.shape)),
            Series(
                name=name,
                role=role,
                style="points",
                x=inputs[along][chosen],
                y=loss[chosen],
            ),
        ]
    unit = "nats per token" if along == "teacher_loss" else "tokens"
    label = "Teacher loss" if along == "teacher_loss" else "Tokens"
    return Lines(
        id="fit",
        title="Runs and the fitted law",
        alt=f"{len(loss)} runs with losses from {loss.min():.4f} to {loss.max():.4f} nats per "
        f"token, and the fitted law; mean error {np.abs(found.errors).mean():.2g}%.",
        x=Axis(label, unit, scale, low, high),
        y=axis_around("Loss", "nats per token", [each.y for each in series]),
        series=series,
    )


def residuals(found: Fit) -> Lines:
    """The errors over the measured losses."""
    loss, errors = found.runs.loss, found.errors
    most = float(np.abs(errors).max()) * 1.1 or 1.0
    return Lines(
        id="residuals",
        title="Residuals",
        alt=f"Predicted above measured loss of {len(loss)} runs: from {errors.min():.2g}% to "
        f"{errors.max():.2g}%.",
        x=axis_around("Measured loss", "nats per token", [loss]),
        y=Axis("Predicted above measured", "%", "linear", -most, most),
        series=[Series(name="runs", role="data", style="points", x=loss, y=errors)],
    )
