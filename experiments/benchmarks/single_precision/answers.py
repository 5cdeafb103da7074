"""The numbers of any answer of the planner, each with the status of its plan."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import Status

_LOSSES = ("loss", "student_losses")
_SIZES = ("num_teacher", "num_params", "num_tokens", "num_student_tokens", "num_streams", "flops")


class Numbers(NamedTuple):
    """The numbers of an answer, each kind along one axis.

    Attributes:
        losses: the losses of its plans, and numbers of no plan, such as a margin or a ratio.
        sizes: logarithms of sizes, tokens and budgets.
        of_loss: the status of the plan of each loss.
        of_size: the status of the plan of each size.
        status: the status of each plan.
        choices: what is chosen, such as the winner of a comparison.
    """

    losses: Array
    sizes: Array
    of_loss: Array
    of_size: Array
    status: Array
    choices: Array


def numbers_of(answer: Tree) -> Numbers:
    """The numbers of an answer. A number of no plan counts as solved where it is finite."""
    losses, sizes, of_loss, of_size, statuses, choices = [], [], [], [], [], []
    for part in jax.tree.leaves(answer, is_leaf=_is_plan):
        if _is_plan(part):
            statuses.append(part.status)
            for name, value in vars(part).items():
                if name in _LOSSES:
                    losses.append(value)
                    of_loss.append(_of_each(part.status, value))
                elif name.startswith(_SIZES):
                    sizes.append(jnp.log(value))
                    of_size.append(_of_each(part.status, value))
        elif jnp.issubdtype(part.dtype, jnp.floating):
            losses.append(part)
            solved = jnp.isfinite(part)
            of_loss.append(jnp.where(solved, int(Status.CONVERGED), int(Status.INFEASIBLE)))
        else:
            choices.append(part.astype(jnp.int32))
    return Numbers(*map(_joined, (losses, sizes, of_loss, of_size, statuses, choices)))


def _is_plan(node: Tree) -> bool:
    return hasattr(node, "status")


def _of_each(status: Array, value: Array) -> Array:
    """The status for each number of a plan; a plan of students has more axes than its status."""
    axes = value.ndim - status.ndim
    return jnp.broadcast_to(status.reshape(status.shape + (1,) * axes), value.shape)


def _joined(parts: list[Array]) -> Array:
    return jnp.concatenate([jnp.ravel(part) for part in parts]) if parts else jnp.zeros(0)
