"""Train a group of models side by side: one step reads one batch and updates each of them.

Models of a group share the batch, so a teacher that several of them learn from is run once a
step. Many steps make one call (`lax.scan`), so that dispatch costs nothing.
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
class Lane:
    """What one model of a group is: its shape, its teacher in the group, how it learns from it."""

    shape: model.Shape
    teacher: int | None = None
    recipe: Recipe = DEFAULT


@dataclass(frozen=True)
class Group:
    """What the compiled program depends on; lengths, rates and weights are its arguments."""

    lanes: tuple[Lane, ...]
    teachers: tuple[model.Shape, ...] = ()


def train(
    group: Group,
    teachers: tuple[dict, ...],
    windows: Windows,
    *,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    progress=lambda done: None,
) -> tuple[dict, ...]:
    """Train every lane of `group` from its seed for `steps` steps; give the parameters.

    Args:
        group: the models.
        teachers: parameters, one for each shape in `group.teachers`.
        windows: what is read, `batch` windows a step.
        steps: length of the run, and of its learning-rate schedule.
        batch: windows a step.
        learning_rate: the peak of the schedule.
        seed: of the parameters; the windows have theirs.
        progress: told how many steps are done, now and then.
    """
    params = tuple(model.init(jax.random.key(seed), lane.shape) for lane in group.lanes)
    state = tuple(optimiser().init(each) for each in params)
    for first in range(0, steps, STEPS_A_CALL):
        count = min(STEPS_A_CALL, steps - first)
        data = windows.read(first * batch, count * batch).reshape(count, batch, -1)
        params, state, _ = advance(
            params, state, teachers, data, first, steps, learning_rate, group=group
        )
        progress(first + count)
    return jax.block_until_ready(params)


def _advance(params, state, teachers, data, first, steps, learning_rate, *, group):
    """Advance every lane by the steps that `data` `(steps, batch, context + 1)` has."""
    multipliers = tuple(
        rate_multipliers(each, lane.shape.width)
        for each, lane in zip(params, group.lanes, strict=True)
    )

    def step(carry, windows):
        params, state, count = carry
        symbols = windows.astype(jnp.int32)
        targets = symbols[:, 1:]
        logits = tuple(
            model.forward(weights, symbols[:, :-1], shape)
            for weights, shape in zip(teachers, group.teachers, strict=True)
        )
        rate = learning_rate * rate_at(count, steps)
        new_params, new_state, losses = [], [], []
        for each, old, lane, factors in zip(params, state, group.lanes, multipliers, strict=True):
            teacher = None if lane.teacher is None else logits[lane.teacher]
            loss, gradients = jax.value_and_grad(_loss)(
                each, symbols[:, :-1], targets, teacher, lane
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
    """Advance many copies of a group at once, each on its own batches: for a GPU.

    All arrays but `first` and the learning rate have a leading axis, one entry a copy; so a copy
    has weights, teachers, batches and a length of its own.
    """
    one = partial(_advance, group=group)
    return jax.vmap(one, in_axes=(0, 0, 0, 0, None, 0, None))(
        params, state, teachers, data, first, steps, learning_rate
    )


def _loss(params, symbols, targets, teacher, lane):
    """Next-token loss, or what the lane's recipe makes of the teacher; Z-loss with both."""
    logits = model.forward(params, symbols, lane.shape)
    if teacher is None:
        loss = next_token_loss(logits, targets)
    else:
        loss = lane.recipe.loss(logits, teacher, targets)
    return jnp.mean(loss + Z_WEIGHT * z_loss(logits))


def evaluate(params: dict, shape: model.Shape, windows: np.ndarray, batch: int = 64) -> float:
    """Mean next-token loss over `windows` `(count, context + 1)`, in nats per symbol."""
    total = 0.0
    for first in range(0, len(windows), batch):
        total += float(_loss_sum(params, jnp.asarray(windows[first : first + batch]), shape=shape))
    return total / (len(windows) * (windows.shape[1] - 1))


@partial(jax.jit, static_argnames="shape")
def _loss_sum(params, windows, *, shape):
    symbols = windows.astype(jnp.int32)
    logits = model.forward(params, symbols[:, :-1], shape)
    return jnp.sum(next_token_loss(logits, symbols[:, 1:]))
