"""A planning function with its law and settings as one object, for programs that embed plans."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TypeVar

import jax
import jax.export

from jaxlaws.foundations.annotations import Tree

_Kind = TypeVar("_Kind")


def setting_of(question: Callable[..., Tree], name: str, kind: type[_Kind]) -> _Kind | None:
    """The default or the setting of a question for a keyword, if it is of a kind, else None."""
    parameter = inspect.signature(question).parameters.get(name)
    return parameter.default if parameter and isinstance(parameter.default, kind) else None


@jax.tree_util.register_pytree_node_class
class Planner:
    """A planning function with its law and settings.

    Make a planner once and call it everywhere: it works in Python, and inside `jit`, `vmap`,
    `grad`, `scan`, `cond` and `shard_map`, and may be the question of `flops_to_reach` or
    `over_draws`. Its programs are those of the planning function, compiled at the first call for
    values and at the first call for derivatives. New budgets and new laws compile nothing. A
    planner is a JAX tree whose leaves are its settings.

    Args:
        question: a planning function, such as `distill`.
        settings: keywords of the function, such as `law`, `scenario` and `limits`. A call may give
            others, which replace these.

    Raises:
        TypeError: the planning function has no keyword of that name.

    >>> from jaxlaws import presets
    >>> from jaxlaws.planning import train_fixed
    >>> planner = Planner(train_fixed, law=presets.load("besiroglu2024"), num_params=1e9)
    >>> f"{planner(flops=1e21).loss:.3f}"
    '2.338'
    >>> slope = jax.grad(lambda flops: planner(flops=flops).loss)(1e21)
    >>> f"{1e21 * slope:.4f} nats per e-fold of compute"
    '-0.0599 nats per e-fold of compute'
    """

    def __init__(self, question: Callable[..., Tree], /, **settings: Tree) -> None:
        self.question = question
        self.settings = settings
        inspect.signature(question).bind_partial(**settings)
        self.__signature__ = inspect.signature(functools.partial(question, **settings))

    def __call__(self, law: Tree = None, /, **inputs: Tree) -> Tree:
        """The answer of the planning function.

        Args:
            law: a law in place of the planner's law.
            inputs: the other keywords of the planning function.
        """
        given = {} if law is None else {"law": law}
        return self.question(**{**self.settings, **given, **inputs})

    def tree_flatten(self) -> tuple[tuple[Tree, ...], tuple[Callable[..., Tree], tuple[str, ...]]]:
        """The parts that JAX sees: the settings. The question and their names are static."""
        return tuple(self.settings.values()), (self.question, tuple(self.settings))

    @classmethod
    def tree_unflatten(
        cls, static: tuple[Callable[..., Tree], tuple[str, ...]], settings: tuple[Tree, ...]
    ) -> "Planner":
        """A planner from its parts."""
        question, names = static
        return cls(question, **dict(zip(names, settings, strict=True)))

    def lower(
        self, *, platforms: Sequence[str] | None = None, **inputs: Tree
    ) -> jax.stages.Lowered:
        """The program for inputs of given shapes, before it is compiled; `.compile()` compiles it.

        Args:
            platforms: the platforms to lower for, such as `["cuda"]`; None for the default device.
            inputs: arrays, or `jax.ShapeDtypeStruct`, by keyword. The compiled program takes
                arrays of these shapes by the same keywords.

        >>> from jaxlaws import presets
        >>> from jaxlaws.planning import train_fixed
        >>> planner = Planner(train_fixed, law=presets.load("besiroglu2024"), num_params=1e9)
        >>> program = planner.lower(flops=jax.ShapeDtypeStruct((3,), "float32")).compile()
        >>> program(flops=jax.numpy.array([1e20, 1e21, 1e22])).loss.shape
        (3,)
        """
        platforms = None if platforms is None else tuple(platforms)
        return jax.jit(self.__call__).trace(**inputs).lower(lowering_platforms=platforms)

    def export(
        self, *, platforms: Sequence[str] | None = None, **inputs: Tree
    ) -> jax.export.Exported:
        """The program for inputs of given shapes, to be saved or sent to another machine.

        Its `serialize` needs the package `flatbuffers`. A process that deserialises a program
        imports `jaxlaws.planning` first.

        Args:
            platforms: the platforms that the program runs on, such as `["cpu", "cuda"]`; None for
                the platform of the default device.
            inputs: arrays, or `jax.ShapeDtypeStruct`, by keyword. A shape may have symbolic sizes
                (`jax.export.symbolic_shape`).
        """
        return jax.export.export(jax.jit(self.__call__), platforms=platforms)(**inputs)
