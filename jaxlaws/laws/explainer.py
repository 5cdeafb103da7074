"""The simplified distillation law of a popular explainer of Busbridge et al. 2025.

It is not the paper's law: its mimicry factor has the student's loss alone where Eq. 8 has the
teacher's, and its bracket lacks the outer exponent. With infinite data it misses what supervised
training reaches by 10 to 40% where Eq. 8 agrees within 0.8%. It is here so that a reader of the
explainer can see the difference.
"""

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxlaws.inputs import prediction
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.powers import power
from jaxlaws.provenance import Mark, Preset
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class ExplainerDistillation:
    """Loss of a student from its size N_S, its tokens D_S and its teacher's loss L_T.

    `loss = L_T + L~**-c0 * (1 + (L_T / (d1 L~))**(1/f1))**(-c1 f1)
    * (A / N_S**alpha + B / D_S**beta)`, with L~ the loss that `supervised` gives a model of the
    student's size and tokens.
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
        """Predict the loss of a distilled student, as the explainer does.

        Args:
            num_student_params: size N_S of the student, any shape.
            num_student_tokens: tokens D_S that it is distilled on.
            teacher_loss: its teacher's validation cross-entropy L_T on data, above zero.

        Returns:
            The student's loss in nats per token, of the broadcast shape.
        """
        log_alone = jnp.log(
            self.supervised.loss(num_params=num_student_params, num_tokens=num_student_tokens)
        )
        past_gap = jax.nn.softplus((jnp.log(teacher_loss) - log_alone - jnp.log(self.d1)) / self.f1)
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
        counts="unstated",
        data="none",
        mark=Mark.PLACEHOLDER,
        note="No fit gave these numbers. For comparison only.",
    ),
}
