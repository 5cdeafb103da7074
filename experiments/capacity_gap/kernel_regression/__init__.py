"""The capacity gap in closed form (Busbridge et al. 2025, Appendix C.1).

The target is `f = sum_i a_i phi_i` in an orthonormal basis. A teacher uses the first m basis
functions, with norm at most T. A student fits the teacher with the first n functions, with norm at
most D <= T. Data are infinite, so both fits are projections.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxlaws.pytree import Coefficient, pytree


@pytree
class Setting:
    """The target, and the largest norms of teacher and student.

    Attributes:
        coefficients: the target's coefficients a, shape `(basis,)`.
        teacher_norm: largest norm T of a teacher.
        student_norm: largest norm D of a student.
    """

    coefficients: Coefficient
    teacher_norm: float
    student_norm: float


def teacher_error(setting: Setting, teacher_size: ArrayLike) -> jax.Array:
    """Return the distance of a teacher with `teacher_size` functions from the target (Eq. 19)."""
    energy = _energy(setting)
    inside = energy[teacher_size]
    shrink = _shrink(inside, setting.teacher_norm)
    return jnp.sqrt((shrink - 1) ** 2 * inside + energy[-1] - inside)


def student_error(setting: Setting, student_size: ArrayLike, teacher_size: ArrayLike) -> jax.Array:
    """Return the distance of a student from the target (Eqs. 20-22); the sizes broadcast.

    From `m = n` on the distance is constant while the limit on the student's norm is active. It
    rises with the teacher's size when the teacher's projection onto the first n functions has a
    smaller norm than the student may have (see `last_flat`).
    """
    energy = _energy(setting)
    teacher_shrink = _shrink(energy[teacher_size], setting.teacher_norm)
    inside = energy[jnp.minimum(student_size, teacher_size)]
    shrink = teacher_shrink * _shrink(teacher_shrink**2 * inside, setting.student_norm)
    return jnp.sqrt((shrink - 1) ** 2 * inside + energy[-1] - inside)


def last_flat(setting: Setting, student_size: ArrayLike) -> jax.Array:
    """Return the largest teacher that is as good for a student as a teacher of its own size.

    S_k is the sum of the first k squared coefficients. A teacher of size m >= n has the first n
    coefficients, shrunk by T / sqrt(S_m). The limit on the student's norm is active, and the error
    constant, while `T sqrt(S_n / S_m) >= D`, that is `S_m <= S_n (T / D)**2`. This is a size m of
    about n (T / D)**2.
    """
    energy = _energy(setting)
    reach = energy[student_size] * (setting.teacher_norm / setting.student_norm) ** 2
    return jnp.searchsorted(energy, reach, side="right") - 1


def _energy(setting: Setting) -> jax.Array:
    """Return S_0, S_1, ...: the sum of the first k squared coefficients."""
    return jnp.concatenate([jnp.zeros(1), jnp.cumsum(setting.coefficients**2)])


def _shrink(energy: jax.Array, norm: float) -> jax.Array:
    """Return the factor that reduces a function of this squared norm to at most `norm`."""
    return jnp.minimum(1.0, norm / jnp.sqrt(jnp.maximum(energy, jnp.finfo(energy.dtype).tiny)))
