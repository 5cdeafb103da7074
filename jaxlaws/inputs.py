"""The inputs that laws take: their names, meanings and units, and their safe conversion."""

import dataclasses
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.precision import is_traced
from jaxlaws.pytree import COMPLETE_CLASS

_F = TypeVar("_F", bound=Callable[..., Array])


@dataclasses.dataclass(frozen=True)
class Input:
    """What an input of a law means, its unit, and the values that it can have.

    Values are finite and above zero unless `may_be_zero` or `may_be_negative` is set.

    Attributes:
        meaning: what the input is, for reports.
        unit: the unit, such as "tokens". Inputs of the same unit share one scale in a fit. An
            input with the unit "" has a scale of its own.
        may_be_zero: whether zero is a valid value, as for the share of a data source.
        may_be_negative: whether every finite number is a valid value, as for a normalised loss.
        at_most: the highest valid value, such as 1 for a share.
    """

    meaning: str
    unit: str = ""
    may_be_zero: bool = False
    may_be_negative: bool = False
    at_most: float = math.inf

    @property
    def has_zero(self) -> bool:
        """Whether zero is among the valid values."""
        return self.may_be_zero or self.may_be_negative


# The name of what a law predicts, and of its column in a table.
OUTCOME = "loss"

_PARAMS, _TOKENS, _BITS = "parameters", "tokens", "bits"

INPUTS = {
    "num_params": Input("size N of the model", _PARAMS),
    "num_tokens": Input("tokens D that the model is trained on", _TOKENS),
    "num_student_params": Input("size N_S of the student", _PARAMS),
    "num_student_tokens": Input("tokens D_S that the student is distilled on", _TOKENS),
    "teacher_loss": Input("validation cross-entropy L_T of the teacher on data", "nats per token"),
    "num_teacher_params": Input("size N_T of the teacher", _PARAMS),
    "num_teacher_tokens": Input("tokens D_T that the teacher is trained on", _TOKENS),
    "num_unique_tokens": Input("distinct tokens U among the training tokens", _TOKENS),
    "num_inference_tokens": Input("tokens that the model serves after training", _TOKENS),
    "flops": Input("compute", "floating-point operations"),
    "scale": Input("the one quantity that is scaled: tokens, parameters or compute", "its own"),
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


def known_inputs(law: object) -> dict[str, Input]:
    """Every input that a law may take, by name: those in `INPUTS` and the law's `own_inputs`.

    Args:
        law: a law, or the class of a law.

    Raises:
        TypeError: `own_inputs` is not a mapping from new names to `Input`.
    """
    own = getattr(law, "own_inputs", {})
    where = f"{_name_of(law)}.own_inputs"
    if not isinstance(own, Mapping):
        raise TypeError(f"{where} must be a mapping from names to Input, got {own!r}")
    for name, kind in own.items():
        if not isinstance(kind, Input):
            raise TypeError(f"{where}: expected an Input as {name!r}, got {kind!r}")
        if name in INPUTS or name == OUTCOME:
            raise TypeError(
                f"{where}: jaxlaws already uses the name {name!r}. Choose another name; if you "
                "mean the input that jaxlaws knows, leave it out of own_inputs"
            )
    return INPUTS | dict(own)


def inputs_of(law: Tree) -> dict[str, Input]:
    """The inputs that a law takes, by name, in the order of `input_names`.

    Args:
        law: a law, or the class of a law.

    >>> from jaxlaws.laws.kaplan import Kaplan
    >>> inputs_of(Kaplan)["num_tokens"].unit
    'tokens'

    Raises:
        TypeError: the law takes an input that is neither in `INPUTS` nor in its `own_inputs`.
    """
    known = known_inputs(law)
    _check_known(_name_of(law), law.input_names, known)
    return {name: known[name] for name in law.input_names}


def _name_of(law: object) -> str:
    return (law if isinstance(law, type) else type(law)).__qualname__


def _check_known(where: str, names: Iterable[str], known: Mapping[str, Input]) -> None:
    """Check that inputs are known.

    Args:
        where: the class or method that takes the inputs, for the message.
        names: the inputs.
        known: the inputs that the class may take.

    Raises:
        TypeError: an input is not known; the message says both remedies.
    """
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise TypeError(
                f"{where}: unknown input {name!r}{hint}. Declare it in the class: "
                f'own_inputs = {{"{name}": Input(meaning="...", unit="...")}}. Or use a name that '
                f"jaxlaws knows: {', '.join(INPUTS)}"
            )


def as_float(name: str, value: Array) -> Array:
    """Convert one input to floating point without overflow.

    Token counts exceed 2**31, where 32-bit integers overflow. Integers therefore become floating
    point before JAX sees them. Arrays of floating-point numbers keep their precision. Python
    numbers stay Python numbers (they take the precision of the arrays that they meet).

    Raises:
        TypeError: the value is not a number or an array of numbers.
    """
    if isinstance(value, (list, tuple)) and is_traced(value):
        value = jnp.asarray(value)
    if isinstance(value, jax.Array):
        if jnp.issubdtype(value.dtype, jnp.floating):
            return value
        if jnp.issubdtype(value.dtype, jnp.integer):
            return value.astype(jnp.result_type(float))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif value is not None:
        array = np.asarray(value)
        if jnp.issubdtype(array.dtype, jnp.floating):
            # NumPy computes with bfloat16 and shorter numbers of JAX only by their own arithmetic.
            return array if array.dtype.kind == "f" else array.astype(np.float32)
        if array.dtype.kind in "iuO":
            try:
                return array.astype(np.float64)
            except (TypeError, ValueError):
                pass
    raise TypeError(f"{name} must be a number or an array of numbers, got {value!r}")


def broadcast(inputs: Mapping[str, Array]) -> dict[str, jax.Array]:
    """Broadcast inputs together.

    Raises:
        ValueError: the shapes do not broadcast; the message lists the shape of each input.
    """
    shapes = {name: jnp.shape(value) for name, value in inputs.items()}
    try:
        jnp.broadcast_shapes(*shapes.values())
    except ValueError:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"inputs do not broadcast together: {listed}") from None
    return dict(zip(inputs, jnp.broadcast_arrays(*inputs.values()), strict=True))


def prediction(method: _F) -> _F:
    """Turn a law's formula into a public method: convert and broadcast the inputs, then compile.

    The formula receives floating-point arrays of one shape. If the method is `loss` and the class
    declares no `input_names`, they are the names of the method's arguments. A method
    `loss(self, **inputs)` takes the inputs that the class declares as `input_names`.

    Raises:
        TypeError: when the class is defined: an argument is not keyword-only, or it is an input
            that neither `INPUTS` nor the class's `own_inputs` has.
    """
    parameters = list(inspect.signature(method).parameters.values())[1:]
    takes_any = len(parameters) == 1 and parameters[0].kind is parameters[0].VAR_KEYWORD
    for parameter in () if takes_any else parameters:
        if parameter.kind is not parameter.KEYWORD_ONLY:
            raise TypeError(
                f"{method.__qualname__}: {parameter.name!r} must be keyword-only: "
                f"def {method.__name__}(self, *, {parameter.name}, ...)"
            )
    named = tuple(parameter.name for parameter in parameters)

    @functools.partial(jax.jit, inline=True)
    def compiled(law: Tree, inputs: dict[str, Array]) -> jax.Array:
        return method(law, **broadcast(inputs))

    @functools.wraps(method)
    def predict(law: Tree, **inputs: Array) -> jax.Array:
        names = law.input_names if takes_any else named
        if set(inputs) != set(names):
            raise TypeError(
                f"{type(law).__name__}.{method.__name__} takes {', '.join(names)} by keyword, "
                f"got {', '.join(inputs) or 'nothing'}"
            )
        return compiled(law, {name: as_float(name, inputs[name]) for name in names})

    def complete_class(cls: type[object]) -> None:
        names = getattr(cls, "input_names", None) if takes_any else named
        if not isinstance(names, tuple):
            raise TypeError(
                f"{cls.__qualname__}.{method.__name__} takes any inputs, so the class must declare "
                'them: input_names = ("num_params", ...)'
            )
        _check_known(f"{cls.__qualname__}.{method.__name__}", names, known_inputs(cls))
        if method.__name__ == "loss" and not takes_any:
            _complete_input_names(cls, names)

    setattr(predict, COMPLETE_CLASS, complete_class)
    return predict  # pyright: ignore[reportReturnType]


def _complete_input_names(cls: type[object], names: tuple[str, ...]) -> None:
    """Derive `input_names` from the arguments of `loss`, or check the names that a class declares.

    Raises:
        TypeError: the declared names are not those of the arguments.
    """
    declared = vars(cls).get("input_names")
    if declared is None:
        cls.input_names = names  # pyright: ignore[reportAttributeAccessIssue]
    elif not isinstance(declared, tuple) or set(declared) != set(names):
        raise TypeError(
            f"{cls.__qualname__}: loss takes {names!r}, but input_names is {declared!r}. Leave "
            "input_names out, or give the names of the arguments as a tuple"
        )
