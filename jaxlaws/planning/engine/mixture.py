"""A law that is the mean of many laws, for plans of least expected loss."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.batches import scalar_leaves
from jaxlaws.pytree import pytree


@pytree
class Mixture:
    """A law whose loss is the mean of the losses of a batch of laws, such as the draws of a fit.

    In place of a law it gives the plan of least expected loss. Where the loss rises steeply beyond
    a point that the draws place differently, this plan keeps a distance from it; the plan of a
    single law does not.

    Attributes:
        laws: a batched law, each leaf of shape `(num_laws,)`.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import FREE_TEACHER, distill
    >>> draws = presets.ensemble("busbridge2025_refit")
    >>> few = jax.tree.map(lambda leaf: leaf[:50], draws)
    >>> safe = distill(
    ...     Mixture(laws=few), flops=1e21, num_student_params=1e9, scenario=FREE_TEACHER
    ... )
    >>> f"teacher loss {safe.teacher_loss:.2f}, expected loss {safe.loss:.2f}"
    'teacher loss 1.96, expected loss 2.17'
    """

    laws: Tree

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs of the laws."""
        return self.laws.input_names

    @property
    def supervised(self) -> "Mixture":
        """The mixture of the supervised laws, for distillation laws."""
        return Mixture(laws=self.laws.supervised)

    def loss(self, **inputs: Array) -> jax.Array:
        """The mean loss, of the broadcast shape of the inputs."""
        return self.expected(lambda law: law.loss(**inputs))

    def expected(self, function: Callable[[Tree], Array]) -> jax.Array:
        """The mean of a function of a law."""
        return jnp.mean(jax.vmap(function)(self.laws), axis=0)


def in_scalar_leaves(law: Tree) -> Tree:
    """A law as plans use it, with one leaf for each number; a mixture as it is."""
    return law if isinstance(law, Mixture) else scalar_leaves(law)


def distilled_loss(
    law: Tree, *, num_teacher_params: Array, num_teacher_tokens: Array, **student: Array
) -> jax.Array:
    """The loss of a student whose teacher is given by its size and its tokens.

    For a mixture it is the mean over laws that each predict the teacher's loss themselves.

    Args:
        law: a distillation law, or a mixture of distillation laws.
        num_teacher_params: size of the teacher.
        num_teacher_tokens: tokens that the teacher is trained on.
        student: `num_student_params` and `num_student_tokens`.
    """

    def of_one(each: Tree) -> Array:
        teacher_loss = each.supervised.loss(
            num_params=num_teacher_params, num_tokens=num_teacher_tokens
        )
        return each.loss(teacher_loss=teacher_loss, **student)

    return law.expected(of_one) if isinstance(law, Mixture) else of_one(law)
