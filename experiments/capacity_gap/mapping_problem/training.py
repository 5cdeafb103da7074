"""Networks with two hidden layers, trained on labels or on a teacher, several trials at once."""

import itertools
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from experiments.capacity_gap.mapping_problem.problem import NUM_POSITIONS, SHARE_OF_EASY, draw
from jaxlaws.distilling.losses import distilling_loss, next_token_loss

STEPS_A_CALL = 50
WARM_UP = 0.05
EVALUATED = 8192
_INPUTS = {False: 2 * NUM_POSITIONS, True: 4 * NUM_POSITIONS}

Params = list[dict[str, jax.Array]]


class Setting(NamedTuple):
    """The settings that all networks of an experiment share.

    Attributes:
        trials: number of networks of each kind, trained in parallel from different seeds.
        batch: new examples per step.
        learning_rate: peak of the learning-rate schedule.
        least_steps: smallest number of training steps.
        samples_per_param: training examples per parameter of the network.
        one_hot: whether symbols are one-hot vectors.
        share_of_easy: share of easy examples.
    """

    trials: int
    batch: int = 512
    learning_rate: float = 3e-4
    least_steps: int = 500
    samples_per_param: float = 20.0
    one_hot: bool = False
    share_of_easy: float = SHARE_OF_EASY

    def examples(self, key: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
        """Return new inputs and labels."""
        return draw(key, count, self.one_hot, self.share_of_easy)

    def steps(self, width: int) -> int:
        """Return the steps for a width: `max(500 batches, 20 N examples)` in full calls."""
        steps = max(self.least_steps, self.samples_per_param * num_params(width, self) / self.batch)
        return STEPS_A_CALL * -(-int(steps) // STEPS_A_CALL)


def num_params(width: int, setting: Setting) -> int:
    """Return the number of weights and biases of a network."""
    sizes = _sizes(width, setting.one_hot)
    return sum((fan_in + 1) * fan_out for fan_in, fan_out in itertools.pairwise(sizes))


def forward(params: Params, inputs: jax.Array) -> jax.Array:
    """Return the logits `(batch, K)` of inputs `(batch, features)`."""
    for layer in params[:-1]:
        inputs = jax.nn.relu(inputs @ layer["weights"] + layer["bias"][None, :])
    return inputs @ params[-1]["weights"] + params[-1]["bias"][None, :]


def train(
    setting: Setting, width: int, steps: int, seed: int, teacher: Params | None = None
) -> Params:
    """Train one network per trial, on labels or on a teacher's distribution only.

    Args:
        setting: the shared settings.
        width: width of both hidden layers.
        steps: number of training steps, which is also the length of the schedule.
        seed: determines the seeds of parameters and examples of all trials.
        teacher: parameters of the teachers, one per trial along a leading axis; None for labels.

    Returns:
        Parameters with a leading axis over the trials.
    """
    keys = jax.vmap(jax.random.key)(seed * setting.trials + jnp.arange(setting.trials))
    params = jax.vmap(partial(_init, sizes=_sizes(width, setting.one_hot)))(keys)
    state = jax.vmap(_ADAM.init)(params)
    for first in range(0, steps, STEPS_A_CALL):
        params, state = _advance(params, state, teacher, keys, first, steps, setting=setting)
    return params


@partial(jax.jit, static_argnames="setting")
def evaluate(params: Params, setting: Setting) -> tuple[jax.Array, jax.Array]:
    """Return the cross-entropy to the labels in nats and the accuracy, `(trials,)` each."""
    inputs, labels = setting.examples(jax.random.key(2**31), EVALUATED)

    def one(params):
        logits = forward(params, inputs)
        return next_token_loss(logits, labels).mean(), (logits.argmax(-1) == labels).mean()

    return jax.vmap(one)(params)


_ADAM = optax.scale_by_adam()


def _sizes(width: int, one_hot: bool) -> tuple[int, ...]:
    return (_INPUTS[one_hot], width, width, NUM_POSITIONS)


def _init(key: jax.Array, sizes: tuple[int, ...]) -> Params:
    """Return weights with variance 2 / fan-in (He et al. 2015) and biases of zero."""
    keys = jax.random.split(jax.random.fold_in(key, 0), len(sizes) - 1)
    return [
        {"weights": jax.random.normal(k, (n, m)) * (2 / n) ** 0.5, "bias": jnp.zeros(m)}
        for k, n, m in zip(keys, sizes, sizes[1:], strict=False)
    ]


@partial(jax.jit, static_argnames="setting", donate_argnums=(0, 1))
def _advance(params, state, teacher, keys, first, steps, *, setting):
    """Advance every trial by one call. The step is traced, so all lengths share one program."""

    def loss(params, teacher, inputs, labels):
        logits = forward(params, inputs)
        if teacher is None:
            return next_token_loss(logits, labels).mean()
        return distilling_loss(logits, forward(teacher, inputs)).mean()

    def step(carry, count, teacher, key):
        params, state = carry
        batch = setting.examples(jax.random.fold_in(key, count + 1), setting.batch)
        gradients = jax.grad(loss)(params, teacher, *batch)
        updates, state = _ADAM.update(gradients, state)
        rate = setting.learning_rate * _schedule(count, steps)
        return (jax.tree.map(lambda p, u: p - rate * u, params, updates), state), None

    def one(params, state, teacher, key):
        counts = first + jnp.arange(STEPS_A_CALL)
        return jax.lax.scan(lambda c, n: step(c, n, teacher, key), (params, state), counts)[0]

    return jax.vmap(one, in_axes=(0, 0, None if teacher is None else 0, 0))(
        params, state, teacher, keys
    )


def _schedule(count: jax.Array, steps: jax.Array) -> jax.Array:
    """Return the share of the peak rate: linear warm-up over 5% of the steps, then cosine to 0."""
    progress = (count + 1) / steps
    cosine = 0.5 * (1 + jnp.cos(jnp.pi * (progress - WARM_UP) / (1 - WARM_UP)))
    return jnp.where(progress < WARM_UP, progress / WARM_UP, cosine)
