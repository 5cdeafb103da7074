"""What the numbers of plans are called, and numbers as text."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.quantities import format_flops, format_quantity

# What the numbers of a plan are called, in the order in which tables show them.
WORDS = {
    "num_params": "parameters",
    "num_tokens": "tokens",
    "num_unique_tokens": "distinct tokens",
    "num_epochs": "epochs",
    "num_student_params": "student parameters",
    "num_student_tokens": "student tokens",
    "tokens_per_param": "tokens per parameter",
    "num_teacher_params": "teacher parameters",
    "num_teacher_tokens": "teacher tokens",
    "teacher_loss": "teacher loss",
    "loss": "loss",
    "flops": "FLOPs",
    "inference_flops": "FLOPs per served token",
}
SHARES = {
    "shares.student": "compute for training",
    "shares.logits": "compute for the teacher's logits",
    "shares.teacher": "compute for training the teacher",
    "shares.serving": "compute for serving",
    "shares.data": "spent on data",
}
DISTANCE = {"extrapolation_decades": "outside"}

_METHODS = {"SUPERVISED": "train alone", "DISTILLATION": "distil", "NONE": "neither"}
_FORMATS = {
    "excess_loss": "{:.2g}",
    "margin": "{:.4f}",
    "gain": "{:.4f}",
    "share_of_draws": "{:.0%}",
    "overhead": "{:.1%}",
    **dict.fromkeys((name.removeprefix("shares.") for name in SHARES), "{:.1%}"),
    **dict.fromkeys(("num_layers", "width", "num_heads", "mlp_width", "rank"), "{:.0f}"),
}
_MISSING = {"extrapolation_decades": "unknown", "from_flops": "the least"}
INSIDE = 1.05  # a number that is beyond the fitted range by a smaller factor counts as inside


def cell(key: str, value: Json) -> str:
    """A number, a text or a list of them as a table shows it, by its key in a document.

    >>> cell("num_params", 7.2e10), cell("loss", 1.97), cell("extrapolation_decades", 0.3)
    ('72B', '1.9700', '2×')
    """
    name = key.rsplit(".")[-1]
    if isinstance(value, list):
        return ", ".join(cell(name, each) for each in value)
    if isinstance(value, str):
        return _METHODS.get(value, value) if name in ("better", "method") else value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or not np.isfinite(value):
        return _MISSING.get(name, "–")
    if name == "extrapolation_decades":
        far = times_outside(value)
        return f"{far}×" if far else "no"
    if name in _FORMATS:
        return _FORMATS[name].format(value)
    if name.endswith("flops"):
        return format_flops(value)
    return f"{value:.4f}" if "loss" in name else format_quantity(value)


def times_outside(decades: float) -> str | None:
    """The factor by which a number is outside the fitted range; None if that is within 5%.

    >>> times_outside(0.014), times_outside(0.05), times_outside(4.0)
    (None, '1.12', '10K')
    """
    factor = 10.0 ** float(decades)
    return format_quantity(factor) if factor > INSIDE else None


def heading(key: str, words: Mapping[str, str] = WORDS | SHARES | DISTANCE) -> str:
    """What a number is called, by its key in a document; an own number by its name."""
    last = key.rsplit(".")[-1]
    return words.get(key) or words.get(last) or last.replace("_", " ")
