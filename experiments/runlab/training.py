"""Training of a group of models: one step reads one batch and updates every model.

Models of a group share the batch, so the forward pass of a shared teacher runs once per step. One
call runs many steps (`lax.scan`), so the cost of dispatch is negligible.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.runlab import model
from experiments.runlab.batches import Windows
from experiments.runlab.optimiser import optimiser, rate_at, rate_multipliers
from experiments.runlab.recipes import DEFAULT, Recipe
from jaxlaws.distilling.losses import next_token_loss, z_loss

Z_WEIGHT = 1e-4
STEPS_A_CALL = 250


@dataclass(frozen=True)
class Member:
    """One model of a group.

    Attributes:
        shape: the shape of the model.
        teacher: index of its teacher in the group, or None for supervised training.
        recipe: the settings of distillation.
    """

    shape: model.Shape
    teacher: int | None = None
    recipe: Recipe = DEFAULT


@dataclass(frozen=True)
class Group:
    """The static part of a training program. Lengths, rates and weights are arguments.

    Attributes:
        members: the models that are trained.
        teachers: the shapes of their teachers.
        schedule: of the learning rate, see `rate_at`.
    """

    members: tuple[Member, ...]
    teachers: tuple[model.Shape, ...] = ()
    schedule: str = "cosine"


def train(
    group: Group,
    teachers: tuple[dict, ...],
    windows: Windows,
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    progress=lambda done, params: None,
) -> tuple[dict, ...]:
    """Train every model of `group` and return the parameters, one tree per model.

    Args:
        group: the models and the shapes of their teachers.
        teachers: parameters, one tree for each shape in `group.teachers`.
        windows: the text that is read.
        steps: number of training steps, which is also the length of the schedule.
        batch: number of windows per step.
        learning_rate: peak of the learning-rate schedule.
        seed: seed of the parameters. `windows` has its own seed.
        progress: a function that is called from time to time with the number of finished steps and
            the parameters of all models at that step.
    """
    params = tuple(model.init(jax.random.key(seed), member.shape) for member in group.members)
    state = tuple(optimiser().init(each) for each in params)
    for first in range(0, steps, STEPS_A_CALL):
        count = min(STEPS_A_CALL, steps - first)
        data = windows.read(first * batch, count * batch).reshape(count, batch, -1)
        params, state, _ = advance(
            params, state, teachers, data, first, steps, learning_rate, group=group
        )
        progress(first + count, params)
    return jax.block_until_ready(params)


def _advance(params, state, teachers, data, first, steps, learning_rate, *, group):
    """Advance every model by the steps in `data` `(steps, batch, context + 1)`."""
    multipliers = tuple(
        rate_multipliers(each, member.shape.width)
        for each, member in zip(params, group.members, strict=True)
    )

    def step(carry, windows):
        params, state, count = carry
        symbols = windows.astype(jnp.int32)
        targets = symbols[:, 1:]
        logits = tuple(
            model.forward(weights, symbols[:, :-1], shape)
            for weights, shape in zip(teachers, group.teachers, strict=True)
        )
        rate = learning_rate * rate_at(count, steps, group.schedule)
        new_params, new_state, losses = [], [], []
        for each, old, member, factors in zip(
            params, state, group.members, multipliers, strict=True
        ):
            teacher = None if member.teacher is None else logits[member.teacher]
            loss, gradients = jax.value_and_grad(_loss)(
                each, symbols[:, :-1], targets, teacher, member
            )
            updates, new = optimiser().update(gradients, old, each)
            updates = jax.tree.map(lambda u, factor: -rate * factor * u, updates, factors)
            new_params.append(optax.apply_updates(each, updates))
            new_state.append(new)
            losses.append(loss)
        return (tuple(new_params), tuple(new_state), count + 1), jnp.stack(losses)

    (params, state, _), losses = jax.lax.scan(step, (params, state, first), data)
    return params, state, losses


advance = jax.jit(_advance, static_argnames="group", donate_argnums=(0, 1))


@partial(jax.jit, static_argnames="group", donate_argnums=(0, 1))
def advance_stack(params, state, teachers, data, first, steps, learning_rate, *, group):
    """Advance many copies of a group at once, each on its own batches, for a GPU.

    All arrays except `first` and the learning rate have a leading axis with one entry per copy.
    Every copy has its own weights, teachers, batches and length.
    """
    one = partial(_advance, group=group)
    return jax.vmap(one, in_axes=(0, 0, 0, 0, None, 0, None))(
        params, state, teachers, data, first, steps, learning_rate
    )


def _loss(params, symbols, targets, teacher, member):
    """Return the next-token loss, or the recipe's loss for a teacher, plus the Z-loss."""
    logits = model.forward(params, symbols, member.shape)
    if teacher is None:
        loss = next_token_loss(logits, targets)
    else:
        loss = member.recipe.loss(logits, teacher, targets)
    return jnp.mean(loss + Z_WEIGHT * z_loss(logits))


def evaluate(params: dict, shape: model.Shape, windows: np.ndarray, batch: int = 64) -> float:
    """Return the mean next-token loss over `windows` `(count, context + 1)`, in nats per symbol."""
    total = 0.0
    for first in range(0, len(windows), batch):
        total += float(_loss_sum(params, jnp.asarray(windows[first : first + batch]), shape=shape))
    return total / (len(windows) * (windows.shape[1] - 1))


@partial(jax.jit, static_argnames="shape")
def _loss_sum(params, windows, *, shape):
    symbols = windows.astype(jnp.int32)
    logits = model.forward(params, symbols[:, :-1], shape)
    return jnp.sum(next_token_loss(logits, symbols[:, 1:]))
