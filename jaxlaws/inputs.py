"""The inputs that laws take: their names, meanings and units, and their safe conversion."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Input:
    """What an input means, and its unit."""

    meaning: str
    unit: str


_PARAMS, _TOKENS, _BITS = "parameters", "tokens", "bits"

INPUTS = {
    "num_params": Input("size N of the model", _PARAMS),
    "num_tokens": Input("tokens D that the model is trained on", _TOKENS),
    "num_student_params": Input("size N_S of the student", _PARAMS),
    "num_student_tokens": Input("tokens D_S that the student is distilled on", _TOKENS),
    "teacher_loss": Input("validation cross-entropy L_T of the teacher on data", "nats per token"),
    "num_teacher_params": Input("size N_T of the teacher", _PARAMS),
    "num_teacher_tokens": Input("tokens D_T that the teacher is trained on", _TOKENS),
    "num_unique_tokens": Input("distinct tokens U among those trained on", _TOKENS),
    "num_inference_tokens": Input("tokens that the model will serve in its life", _TOKENS),
    "flops": Input("compute", "floating-point operations"),
    "scale": Input("whatever one quantity is scaled: tokens, parameters, compute", "its own"),
    "num_experts": Input("experts E of each routed layer, 1 for a dense model", "experts"),
    "granularity": Input("how many times smaller an expert is than a dense layer", "ratio"),
    "density": Input("fraction of the parameters that is active, or not zero", "fraction"),
    "weight_bits": Input("precision of the weights in training", _BITS),
    "activation_bits": Input("precision of the activations in training", _BITS),
    "kv_bits": Input("precision of keys and values in training", _BITS),
    "post_training_bits": Input("precision of the weights after training", _BITS),
    "num_nonvocab_params": Input("size without embedding and output layer", _PARAMS),
    "num_vocab_params": Input("parameters of embedding and output layer", _PARAMS),
}


def as_float(name: str, value: Any) -> Any:
    """Convert one input to floating point, of whatever size it is.

    Token counts pass 2**31, where 32-bit integers wrap: integers become floating point before
    JAX sees them. Arrays that are floating point already keep their precision, Python numbers
    stay Python numbers (they take the precision of what they meet).

    Raises:
        TypeError: the value is no number and no array of numbers.
    """
    if isinstance(value, jax.Array):
        if jnp.issubdtype(value.dtype, jnp.floating):
            return value
        if jnp.issubdtype(value.dtype, jnp.integer):
            return value.astype(jnp.result_type(float))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif value is not None:
        array = np.asarray(value)
        if array.dtype.kind == "f":
            return array
        if array.dtype.kind in "iuO":
            try:
                return array.astype(np.float64)
            except (TypeError, ValueError):
                pass
    raise TypeError(f"{name} must be a number or an array of numbers, got {value!r}")


def broadcast(inputs: dict[str, Any]) -> dict[str, jax.Array]:
    """Broadcast inputs together.

    Raises:
        ValueError: the shapes do not fit; the message names each.
    """
    shapes = {name: jnp.shape(value) for name, value in inputs.items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"inputs do not broadcast together: {told}") from None
    return dict(zip(inputs, jnp.broadcast_arrays(*inputs.values()), strict=True))


def prediction(method: _F) -> _F:
    """Make a law's formula its public method: inputs converted and broadcast, then compiled.

    The formula then only ever sees floating-point arrays of one shape.

    Raises:
        TypeError: at definition, where an argument is not keyword-only or no known input.
    """
    parameters = list(inspect.signature(method).parameters.values())[1:]
    for parameter in parameters:
        if parameter.kind is not parameter.KEYWORD_ONLY or parameter.name not in INPUTS:
            raise TypeError(
                f"{method.__qualname__}: {parameter.name!r} must be keyword-only and one of "
                f"{', '.join(INPUTS)}"
            )
    names = tuple(parameter.name for parameter in parameters)

    @functools.partial(jax.jit, inline=True)
    def compiled(law: Any, inputs: dict[str, Any]) -> jax.Array:
        return method(law, **broadcast(inputs))

    @functools.wraps(method)
    def predict(law: Any, **inputs: Any) -> jax.Array:
        if set(inputs) != set(names):
            raise TypeError(
                f"{type(law).__name__}.{method.__name__} takes {', '.join(names)} by keyword, "
                f"got {', '.join(inputs) or 'nothing'}"
            )
        return compiled(law, {name: as_float(name, inputs[name]) for name in names})

    return predict  # pyright: ignore[reportReturnType]
