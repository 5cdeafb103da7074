"""Limit of `DistillationLimit` for an outer exponent gamma without end (derived by this project).

Where the runs prefer a gamma without end, alpha goes to zero, and the power of the sum becomes an
exponential. With `a = gamma alpha`, `K = A**gamma` and `b = gamma B / A` constant,
`(A / N**alpha + B / D**beta)**gamma` tends to `K / N**a * exp(b / D**beta)`. This law has one
coefficient less, and no rounding error of gamma times the precision.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.inputs import prediction
from jaxlaws.laws.supervised import Supervised
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree

# With a larger exponent the bracket is zero in any case. The square of exp(35) fits float32.
_LARGEST_EXPONENT = 35.0


@pytree
class DistillationExponential:
    """Loss of a student from its size N_S, its tokens D_S and its teacher's loss L_T.

    `loss = L_T + L_T**-c0 * exp(-kappa (L_T / L~)**(1/f1)) * A / N_S**alpha * exp(B / D_S**beta)`,
    with L~ the loss that `supervised` gives a model of the student's size and tokens.

    Losses are in nats per token. Coefficients are pure numbers unless a unit is given.

    Attributes:
        supervised: the law that gives L~.
        A: amplitude of the size term; its unit contains parameters**alpha.
        alpha: exponent of the student's size N_S.
        B: amplitude of the token term, in tokens**beta.
        beta: exponent of the student's tokens D_S.
        c0: exponent of the teacher's loss in the factor `L_T**-c0`.
        kappa: strength of the capacity gap, as in `DistillationLimit`.
        f1: width of the capacity gap, on the scale of log(L_T / L~).
    """

    supervised: Supervised
    A: Coefficient = positive(unit_of="num_student_params", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_student_tokens", power="beta")
    beta: Coefficient = positive()
    c0: Coefficient = positive()
    kappa: Coefficient = positive()
    f1: Coefficient = positive()

    input_names: ClassVar[tuple[str, ...]] = (
        "num_student_params",
        "num_student_tokens",
        "teacher_loss",
    )

    @prediction
    def loss(
        self,
        *,
        num_student_params: jax.Array,
        num_student_tokens: jax.Array,
        teacher_loss: jax.Array,
    ) -> jax.Array:
        """Return the predicted loss of a distilled student.

        Args:
            num_student_params: size N_S of the student in parameters, of any shape.
            num_student_tokens: tokens D_S that the student is distilled on. The shapes of the
                three inputs broadcast together.
            teacher_loss: validation cross-entropy L_T of the teacher on data, in nats per token,
                above zero.

        Returns:
            Loss of the student in nats per token, of the broadcast shape. For very few tokens it is
            capped at the loss with `B / D_S**beta = 35`.
        """
        alone = self.supervised.loss(num_params=num_student_params, num_tokens=num_student_tokens)
        log_teacher = jnp.log(teacher_loss)
        steepness = (log_teacher - jnp.log(alone)) / self.f1
        past_gap = jnp.exp(jnp.minimum(steepness, _LARGEST_EXPONENT))
        token_term = self.B * power(num_student_tokens, -self.beta)
        token_term = jnp.minimum(token_term, _LARGEST_EXPONENT)
        lacking = jnp.exp(token_term - self.c0 * log_teacher - self.kappa * past_gap)
        return teacher_loss + lacking * self.A * power(num_student_params, -self.alpha)
