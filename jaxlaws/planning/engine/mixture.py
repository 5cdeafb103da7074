"""Plans of least expected loss: a law that is the mean of many."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxlaws.pytree import pytree


@pytree
class Mixture:
    """A law whose loss is the mean of the losses of a batch of laws, such as the draws of a fit.

    A question that is given it in place of a law answers with the plan of least expected loss.
    Where draws disagree about a cliff, that plan keeps away from it; the plan of any single law
    does not.

    Attributes:
        laws: a batched law, each leaf `(num_laws,)`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import FREE_TEACHER, distill
    >>> draws = presets.ensemble("busbridge2025_refit")
    >>> few = jax.tree.map(lambda leaf: leaf[:50], draws)
    >>> asked = {"flops": 1e21, "num_student_params": 1e9, "scenario": FREE_TEACHER}
    >>> safe = distill(Mixture(laws=few), **asked)
    >>> f"teacher loss {safe.teacher_loss:.2f}, expected loss {safe.loss:.2f}"
    'teacher loss 1.96, expected loss 2.17'
    """

    laws: Any

    @property
    def input_names(self) -> tuple[str, ...]:
        """What the laws take."""
        return self.laws.input_names

    @property
    def supervised(self) -> "Mixture":
        """The mean of the laws of supervised training, of distillation laws."""
        return Mixture(laws=self.laws.supervised)

    def loss(self, **inputs: Any) -> jax.Array:
        """The mean loss, of the inputs' broadcast shape."""
        return self.expected(lambda law: law.loss(**inputs))

    def expected(self, function: Callable[[Any], Any]) -> jax.Array:
        """The mean of a function of a law."""
        return jnp.mean(jax.vmap(function)(self.laws), axis=0)


def distilled_loss(law: Any, *, num_teacher_params: Any, num_teacher_tokens: Any, **student: Any):
    """The loss of a student whose teacher is given by its size and tokens.

    Of a mixture, the mean over laws that each judge the teacher by themselves.

    Args:
        law: a distillation law, or a mixture of such.
        num_teacher_params: size of the teacher.
        num_teacher_tokens: tokens that it is trained on.
        student: `num_student_params` and `num_student_tokens`.
    """

    def taught(each: Any) -> Any:
        teacher_loss = each.supervised.loss(
            num_params=num_teacher_params, num_tokens=num_teacher_tokens
        )
        return each.loss(teacher_loss=teacher_loss, **student)

    return law.expected(taught) if isinstance(law, Mixture) else taught(law)
