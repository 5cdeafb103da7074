"""Training losses of a student, and measures of its calibration, computed from logits."""

from jaxlaws.distilling.calibration import calibration_distance, calibration_error, confidence
from jaxlaws.distilling.chunked import in_chunks, student_loss_from_hidden
from jaxlaws.distilling.losses import (
    distilling_loss,
    logit_loss,
    next_token_loss,
    student_loss,
    z_loss,
)
from jaxlaws.distilling.truncation import keep_top_k, keep_top_p

__all__ = [
    "calibration_distance",
    "calibration_error",
    "confidence",
    "distilling_loss",
    "in_chunks",
    "keep_top_k",
    "keep_top_p",
    "logit_loss",
    "next_token_loss",
    "student_loss",
    "student_loss_from_hidden",
    "z_loss",
]
