"""Distance of a student to its teacher and to the text, on the held-out windows."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from experiments.runlab import model
from jaxlaws.distilling import (
    calibration_distance,
    calibration_error,
    confidence,
    distilling_loss,
    next_token_loss,
)

Weighted = tuple[dict, model.Shape]  # the parameters and the shape of a model

MEASURES = (
    "loss", "teacher_loss", "cross_entropy_to_teacher", "teacher_entropy", "kl_from_teacher",
    "ece", "teacher_ece", "ece_to_teachers_choice", "ece_dist", "ece_dist_teacher_bins",
)  # fmt: skip


def measure(student: Weighted, teacher: Weighted, windows: np.ndarray, batch: int = 64) -> dict:
    """Return losses in nats per symbol, and the calibration, of a student and its teacher.

    The student's cross-entropy to its teacher is the teacher's entropy plus the KL divergence.
    Calibration follows Busbridge et al. 2025, Eqs. 38 and 39.

    Args:
        student: the student.
        teacher: its teacher.
        windows: held-out symbols `(count, context + 1)`. If `count` is a multiple of `batch`, only
            one program is compiled.
        batch: number of windows in a batch.

    Returns:
        A number for each name in `MEASURES`.
    """
    shapes = {"student_shape": student[1], "teacher_shape": teacher[1]}
    parts = [
        jax.device_get(
            _per_symbol(student[0], teacher[0], windows[first : first + batch], **shapes)
        )
        for first in range(0, len(windows), batch)
    ]
    each = {name: np.concatenate([part[name].ravel() for part in parts]) for name in parts[0]}
    sure, teacher_sure = each["sure"], each["teacher_sure"]
    means = {name: each[name].mean(dtype=np.float64) for name in MEASURES if name in each}
    found = means | {
        "kl_from_teacher": means["cross_entropy_to_teacher"] - means["teacher_entropy"],
        "ece": calibration_error(sure, each["right"]),
        "teacher_ece": calibration_error(teacher_sure, each["teacher_right"]),
        "ece_to_teachers_choice": calibration_error(sure, each["agreed"]),
        "ece_dist": calibration_distance(sure, teacher_sure),
        "ece_dist_teacher_bins": calibration_distance(teacher_sure, sure),
    }
    return {name: float(found[name]) for name in MEASURES}


@partial(jax.jit, static_argnames=("student_shape", "teacher_shape"))
def _per_symbol(student, teacher, windows, *, student_shape, teacher_shape):
    symbols = jnp.asarray(windows).astype(jnp.int32)
    seen, targets = symbols[:, :-1], symbols[:, 1:]
    of_student = model.forward(student, seen, student_shape)
    of_teacher = model.forward(teacher, seen, teacher_shape)
    sure, choice = confidence(of_student)
    teacher_sure, teachers_choice = confidence(of_teacher)
    return {
        "loss": next_token_loss(of_student, targets),
        "teacher_loss": next_token_loss(of_teacher, targets),
        "cross_entropy_to_teacher": distilling_loss(of_student, of_teacher),
        "teacher_entropy": distilling_loss(of_teacher, of_teacher),
        "sure": sure,
        "teacher_sure": teacher_sure,
        "right": choice == targets,
        "teacher_right": teachers_choice == targets,
        "agreed": choice == teachers_choice,
    }
