"""The capacity gap in closed form (Busbridge et al. 2025, Appendix C.1).

A target `f = sum_i a_i phi_i` in an orthonormal basis; a teacher that may use the first m basis
functions with norm at most T; a student that fits the teacher with the first n functions and norm
at most D <= T. Data are infinite, so both are projections.
"""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jaxlaws.pytree import Coefficient, pytree


@pytree
class Setting:
    """The target's coefficients `a` `(basis,)` and the norms that teacher and student may have."""

    coefficients: Coefficient
    teacher_norm: float
    student_norm: float


def teacher_error(setting: Setting, teacher_size: ArrayLike) -> jax.Array:
    """Distance of the teacher with `teacher_size` basis functions from the target (Eq. 19)."""
    energy = _energy(setting)
    inside = energy[teacher_size]
    shrink = _shrink(inside, setting.teacher_norm)
    return jnp.sqrt((shrink - 1) ** 2 * inside + energy[-1] - inside)


def student_error(setting: Setting, student_size: ArrayLike, teacher_size: ArrayLike) -> jax.Array:
    """Distance of a student of a teacher from the target; the sizes broadcast (Eqs. 20-22).

    Flat from `m = n` on while the student's norm is what binds; it rises with the teacher's size
    once the teacher's own projection leaves less than the student could hold (see `last_flat`).
    """
    energy = _energy(setting)
    teacher_shrink = _shrink(energy[teacher_size], setting.teacher_norm)
    inside = energy[jnp.minimum(student_size, teacher_size)]
    shrink = teacher_shrink * _shrink(teacher_shrink**2 * inside, setting.student_norm)
    return jnp.sqrt((shrink - 1) ** 2 * inside + energy[-1] - inside)


def last_flat(setting: Setting, student_size: ArrayLike) -> jax.Array:
    """The largest teacher that is no worse for a student than the one of its own size.

    With S_k the energy of the first k coefficients, a teacher m >= n hands on the first n ones
    shrunk by T / sqrt(S_m). The student's norm binds, and the error stays, while
    `T sqrt(S_n / S_m) >= D`, that is `S_m <= S_n (T / D)**2`: about n (T / D)**2 functions.
    """
    energy = _energy(setting)
    reach = energy[student_size] * (setting.teacher_norm / setting.student_norm) ** 2
    return jnp.searchsorted(energy, reach, side="right") - 1


def _energy(setting: Setting) -> jax.Array:
    """S_0 .. S_all: the squared norm of the first k coefficients."""
    return jnp.concatenate([jnp.zeros(1), jnp.cumsum(setting.coefficients**2)])


def _shrink(energy: jax.Array, norm: float) -> jax.Array:
    """The factor that brings a function of this squared norm within `norm`."""
    return jnp.minimum(1.0, norm / jnp.sqrt(jnp.maximum(energy, jnp.finfo(energy.dtype).tiny)))
