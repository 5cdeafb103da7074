"""Small user-defined laws: a law of size, and a law with that law as a sub-law."""

import jax.numpy as jnp

from jaxlaws.pytree import Coefficient, positive, pytree, real, unit_interval


@pytree
class SizeLaw:
    """`loss = E + A / N**alpha`."""

    E: Coefficient = positive()
    A: Coefficient = positive(unit_of="num_params", power="alpha")
    alpha: Coefficient = positive()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return self.E + self.A * jnp.exp(-self.alpha * jnp.log(num_params))


@pytree
class TaughtLaw:
    """`loss = w L_T + (1 - w) L(N_S) + shift`, with L a law of size."""

    alone: SizeLaw
    weight: Coefficient = unit_interval()
    shift: Coefficient = real()

    input_names = ("num_student_params", "teacher_loss")

    def loss(self, *, num_student_params, teacher_loss):
        alone = self.alone.loss(num_params=num_student_params)
        return self.weight * teacher_loss + (1 - self.weight) * alone + self.shift


@pytree
class WrongUnit(SizeLaw):
    """A law with a wrong declaration: the unit of its amplitude lacks the exponent."""

    A: Coefficient = positive(unit_of="num_params")


@pytree
class Line:
    """`loss = a + b log10 N`, which is linear, so that least squares have a closed form."""

    a: Coefficient = real()
    b: Coefficient = real()

    input_names = ("num_params",)

    def loss(self, *, num_params):
        return self.a + self.b * jnp.log10(num_params)
