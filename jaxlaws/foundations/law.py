"""What a law is: an immutable tree of coefficients that predicts a loss from its inputs."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, runtime_checkable

import jax
import numpy as np

from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.foundations.batches import batch_shape, broadcast_batch, loss_of_each
from jaxlaws.inputs import OUTCOME, Input, as_float, known_inputs
from jaxlaws.pytree import LAW_CLASSES, element_shapes, pytree


@runtime_checkable
class Law(Protocol):
    """A scaling law.

    Every law has these properties:
        - It is a JAX tree whose leaves are its coefficients, so that a batched law (leaves with a
          leading axis) works under `jax.vmap`.
        - `loss` is pure and differentiable in inputs and coefficients. It takes its inputs by
          keyword, broadcasts them together, and keeps their precision.
        - An infinite input gives the limit, with derivative zero there.

    Attributes:
        input_names: the keywords that `loss` takes. Each is a name in `jaxlaws.inputs.INPUTS`, or
            a name that the class declares in a further attribute `own_inputs`.

    Further attributes of a class are optional: `outcome` (see `outcome_of`) and `outcomes` (see
    `outcomes_of`).
    """

    input_names: ClassVar[tuple[str, ...]]

    @property
    def loss(self) -> Callable[..., Array]:
        """Predict the loss of a run from its inputs (keywords only)."""
        ...


def coefficients(law: Tree) -> dict[str, Array]:
    """The coefficients of a law by name, in tree order.

    Names in a sub-law read `supervised.E`. Each number of an array has a name of its own, such as
    `w[0]` or `t[1,2]`.

    Returns:
        A number for each coefficient; for a batched law, an array of the shape of the batch.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(law)
    found = {}
    for (path, leaf), shape in zip(paths, element_shapes(law), strict=True):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        for index in np.ndindex(shape):
            found[element_name(name, index)] = leaf[(..., *index)] if shape else leaf
    return found


def coefficient_names(law: Tree) -> list[str]:
    """The names of a law's coefficients, in tree order; see `coefficients`."""
    return list(coefficients(law))


def element_name(name: str, index: tuple[int, ...]) -> str:
    """The name of one number of an array of coefficients; that of the coefficient for `()`.

    >>> element_name("t", (1, 2))
    't[1,2]'
    """
    return f"{name}[{','.join(map(str, index))}]" if index else name


def outcome_of(law: object) -> Input | None:
    """What a law predicts, if its class says so in an attribute `outcome`.

    Without the attribute the outcome is a loss above zero. A law of outcomes that may be zero or
    negative declares `outcome = Input("score of a benchmark", may_be_negative=True)`.

    Args:
        law: a law, or the class of a law.

    Raises:
        TypeError: the attribute is not an `Input`.
    """
    found = getattr(law, "outcome", None)
    if found is not None and not isinstance(found, Input):
        raise TypeError(f"{_class_name(law)}.outcome: expected an Input, got {found!r}")
    return found


def outcomes_of(law: object) -> tuple[str, ...]:
    """The names of the outcomes of a law that predicts several, which are columns of a table.

    Such a law declares them in its class, `outcomes = ("loss_web", "loss_code")`, and its method
    `loss` returns an array with one more axis, of this length. The tuple is empty for a law whose
    `loss` returns one number for each run.

    Args:
        law: a law, or the class of a law.

    Raises:
        TypeError: the attribute is not a tuple of different names, or a name is that of an input
            or `loss`.
    """
    names = getattr(law, "outcomes", ())
    is_tuple = isinstance(names, tuple) and all(isinstance(name, str) for name in names)
    if not is_tuple or len(set(names)) < len(names):
        raise TypeError(
            f'{_class_name(law)}.outcomes: expected names such as ("loss_web", "loss_code"), '
            f"got {names!r}"
        )
    known = known_inputs(law) if names else {}
    for name in names:
        if name in known or name == OUTCOME:
            what = "an input" if name in known else "the outcome of a law with only one"
            raise TypeError(f"{_class_name(law)}.outcomes: {name!r} is the name of {what}")
    return names


def _class_name(law: object) -> str:
    return (law if isinstance(law, type) else type(law)).__qualname__


@pytree
class FixedInputs:
    """A law some of whose inputs have fixed values; `fix_inputs` makes it.

    Attributes:
        law: the law of all inputs.
        fixed: the values of the fixed inputs, by name.
    """

    law: Tree
    fixed: dict[str, Array]

    @property
    def input_names(self) -> tuple[str, ...]:
        """The remaining inputs."""
        return tuple(name for name in self.law.input_names if name not in self.fixed)

    @property
    def own_inputs(self) -> Mapping[str, Input]:
        """The inputs that the law's class declares itself."""
        return getattr(self.law, "own_inputs", {})

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The names of the outcomes of the law, if it predicts several."""
        return outcomes_of(self.law)

    @property
    def supervised(self) -> Tree:
        """The supervised law of a distillation law, with its inputs fixed in the same way."""
        inner = self.law.supervised
        fixed = {name: value for name, value in self.fixed.items() if name in inner.input_names}
        return FixedInputs(law=inner, fixed=fixed) if fixed else inner

    def loss(self, **inputs: Array) -> Array:
        """Predict the loss of a run from the remaining inputs (keywords only)."""
        return loss_of_each(self.law, dict(**inputs, **self.fixed))


def fix_inputs(law: Tree, **values: Array) -> FixedInputs:
    """The law of the remaining inputs, where some inputs have fixed values.

    A plan needs a law of exactly the inputs that the plan chooses. Fix the other inputs first:
    `compute_optimal(fix_inputs(law, learning_rate=3e-4), flops=1e21)`.

    Args:
        law: a law, single or batched.
        values: the value of each fixed input, by name. Arrays give a batch of laws, broadcast
            with the leaves of the law.

    >>> from jaxlaws import presets
    >>> law = fix_inputs(presets.load("besiroglu2024"), num_tokens=2e10)
    >>> law.input_names, round(float(law.loss(num_params=1e9)), 3)
    (('num_params',), 2.53)

    Raises:
        TypeError: `law` is not a law, it takes no such input, or a value is not a number.
        ValueError: the values and the leaves of the law do not broadcast together.
    """
    if isinstance(law, FixedInputs):
        law, values = law.law, law.fixed | values
    if type(law) not in LAW_CLASSES:
        raise TypeError(
            f"expected a law, got {type(law).__name__}. For the mean of several laws, fix the "
            "inputs of the laws: Mixture(laws=fix_inputs(laws, ...))"
        )
    unknown = [name for name in values if name not in law.input_names]
    if unknown:
        raise TypeError(
            f"{type(law).__name__} does not take {', '.join(unknown)}; its inputs are "
            f"{', '.join(law.input_names)}"
        )
    whole = FixedInputs(
        law=law, fixed={name: as_float(name, value) for name, value in values.items()}
    )
    return broadcast_batch(whole, batch_shape(whole))
