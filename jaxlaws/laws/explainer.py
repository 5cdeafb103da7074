"""Simplified distillation law of a popular explainer of Busbridge et al. 2025 (2502.08606, Eq. 8).

It is not the paper's law. Its factor `L~**-c0` has the loss of supervised training where Eq. 8
has the teacher's loss, and its last bracket lacks the outer exponent gamma. With infinite data it
differs from supervised training by 10 to 40%, where Eq. 8 agrees within 0.8%. It is in the package
so that a reader of the explainer can see the difference.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.foundations.provenance import Mark, Preset
from jaxlaws.inputs import prediction
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.powers import power, softplus
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class ExplainerDistillation:
    """Loss of a student from its size N_S, its tokens D_S and its teacher's loss L_T.

    `loss = L_T + L~**-c0 * (1 + (L_T / (d1 L~))**(1/f1))**(-c1 f1)
    * (A / N_S**alpha + B / D_S**beta)`, with L~ the loss that `supervised` gives a model of the
    student's size and tokens.

    Losses are in nats per token. Coefficients are pure numbers unless a unit is given.

    Attributes:
        supervised: the law that gives L~.
        A: amplitude of the size term; its unit contains parameters**alpha.
        alpha: exponent of the student's size N_S.
        B: amplitude of the token term; its unit contains tokens**beta.
        beta: exponent of the student's tokens D_S.
        c0: exponent of the loss L~ in the factor `L~**-c0`.
        c1: the bracket falls as `(L_T / L~)**-c1` where the teacher is far behind the student.
        d1: ratio L_T / L~ at which the bracket begins to fall.
        f1: width of this transition, on the scale of log(L_T / L~).
    """

    supervised: Chinchilla
    A: Coefficient = positive(unit_of="num_student_params", power="alpha")
    alpha: Coefficient = positive()
    B: Coefficient = positive(unit_of="num_student_tokens", power="beta")
    beta: Coefficient = positive()
    c0: Coefficient = positive()
    c1: Coefficient = positive()
    d1: Coefficient = positive()
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
        """Return the loss of a distilled student as the explainer predicts it.

        Args:
            num_student_params: size N_S of the student in parameters, of any shape.
            num_student_tokens: tokens D_S that the student is distilled on. The shapes of the
                three inputs broadcast together.
            teacher_loss: validation cross-entropy L_T of the teacher on data, in nats per token,
                above zero.

        Returns:
            Loss of the student in nats per token, of the broadcast shape.
        """
        log_alone = jnp.log(
            self.supervised.loss(num_params=num_student_params, num_tokens=num_student_tokens)
        )
        past_gap = softplus((jnp.log(teacher_loss) - log_alone - jnp.log(self.d1)) / self.f1)
        mimicry = jnp.exp(-self.c0 * log_alone - self.c1 * self.f1 * past_gap)
        parameter_term = self.A * power(num_student_params, -self.alpha)
        token_term = self.B * power(num_student_tokens, -self.beta)
        return teacher_loss + mimicry * (parameter_term + token_term)


PRESETS = {
    "busbridge2025_explainer": Preset(
        law=ExplainerDistillation(
            supervised=Chinchilla(E=1.71, A=406.4, alpha=0.34, B=410.7, beta=0.28),
            A=350.0,
            alpha=0.31,
            B=380.0,
            beta=0.25,
            c0=0.45,
            c1=0.72,
            d1=1.05,
            f1=0.18,
        ),
        source="a popular explainer of Busbridge et al. 2025, not the paper",
        digits="2 to 4",
        counts="not stated",
        data="none",
        mark=Mark.PLACEHOLDER,
        warning="These numbers are not from a fit. Use them for comparison only.",
    ),
}
