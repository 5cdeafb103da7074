"""A simpler law to compare the distillation law with: a teacher multiplies the tokens."""

from typing import ClassVar

import jax

from jaxlaws.inputs import prediction
from jaxlaws.laws.supervised import Supervised
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree


@pytree
class EffectiveTokens:
    """`loss = L~(N_S, w L_T**-v D_S)`: the better the teacher, the more each token counts."""

    supervised: Supervised
    w: Coefficient = positive()
    v: Coefficient = positive()

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
        """Predict the loss of a distilled student."""
        worth = self.w * power(teacher_loss, -self.v)
        return self.supervised.loss(
            num_params=num_student_params, num_tokens=worth * num_student_tokens
        )
