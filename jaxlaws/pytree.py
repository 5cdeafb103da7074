"""Immutable dataclasses that are JAX trees, and the domains and units of coefficients.

A law declares on each field the domain of its coefficient, its shape if it is an array, and its
unit if the unit is one of inputs: `A = positive(unit_of="num_params", power="alpha")` says that A
has the unit of N**alpha. Fits derive their bijections and their change of units from these
declarations.
"""

import dataclasses
import enum
import functools
import json
from collections.abc import Sequence
from typing import TypeAlias, TypeVar, dataclass_transform

import jax
import jax.export

from jaxlaws.foundations.annotations import Array, Json, Tree
from jaxlaws.foundations.text.cards import Card, Displayed, card_of_law
from jaxlaws.foundations.units import Exponent, Unit, parse_unit, unit_of_power
from jaxlaws.trees import register_dataclass

# A float, or an array of NumPy or JAX: a union of the three makes every formula a type error.
Coefficient: TypeAlias = Array

_T = TypeVar("_T")
_KEY = "jaxlaws"

# Every class of a law that the program has defined or imported, in order of definition. A saved
# law is found here by its name; no module is imported because a file names it.
LAW_CLASSES: list[type[object]] = []

# Names of the classes that `jax.export` can serialise.
_EXPORTED: set[str] = set()

# The attribute of a method with a function that checks and completes the method's class.
COMPLETE_CLASS = "_complete_class"


class Domain(enum.Enum):
    """The set that a coefficient lives in."""

    REAL = "real"
    POSITIVE = "positive"
    UNIT_INTERVAL = "unit interval"


@dataclasses.dataclass(frozen=True)
class Declaration:
    """The declared domain, unit and shape of a coefficient.

    Attributes:
        domain: the set that each number of the coefficient lives in.
        unit: the inputs whose product of powers is the unit; empty for a pure number.
        shape: the shape of an array coefficient; empty for a number.
    """

    domain: Domain
    unit: Unit = ()
    shape: tuple[int, ...] = ()


def real(
    *,
    unit_of: str | None = None,
    power: Exponent | None = None,
    unit: str | None = None,
    shape: int | Sequence[int] = (),
) -> Coefficient:
    """A coefficient that may be any number; for the arguments see `positive`."""
    return _field(Domain.REAL, _unit(unit_of, power, unit), shape)


def positive(
    *,
    unit_of: str | None = None,
    power: Exponent | None = None,
    unit: str | None = None,
    shape: int | Sequence[int] = (),
) -> Coefficient:
    """A coefficient above zero.

    Args:
        unit_of: an input, if the coefficient has the unit of `unit_of ** power`.
        power: the exponent: a coefficient of the law by name, a number, or an expression of both,
            such as `"-0.6*alpha"`. For an array it can be an array of numbers. None: 1.
        unit: in place of these two, the unit as a product of powers of several inputs, such as
            `"num_params**alpha * num_tokens**-beta"`.
        shape: shape of an array of coefficients, such as `(5,)`; empty for a number.

    Raises:
        ValueError: the unit, the exponent or the shape has another form.
    """
    return _field(Domain.POSITIVE, _unit(unit_of, power, unit), shape)


def unit_interval(*, shape: int | Sequence[int] = ()) -> Coefficient:
    """A coefficient strictly between 0 and 1, or an array of the given shape."""
    return _field(Domain.UNIT_INTERVAL, (), shape)


def _field(domain: Domain, unit: Unit, shape: int | Sequence[int]) -> Coefficient:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in sizes):
        raise ValueError(f"shape: expected positive integers such as (5,), got {shape!r}")
    return dataclasses.field(metadata={_KEY: Declaration(domain, unit, sizes)})


def _unit(unit_of: str | None, power: Exponent | None, unit: str | None) -> Unit:
    if unit_of is None and power is None:
        return () if unit is None else parse_unit(unit)
    if unit_of is None or unit is not None:
        raise ValueError("give unit_of= with or without power=, or unit= alone")
    return unit_of_power(unit_of, power)


def static(*, default: Tree = dataclasses.MISSING) -> Array:
    """A field that is not an array: part of the tree's structure, fixed at compilation."""
    return dataclasses.field(default=default, metadata={_KEY: None})


def declarations(tree: object) -> dict[str, Declaration]:
    """The declared coefficients of a dataclass (class or instance), by field name, in order.

    Raises:
        TypeError: the argument is not a dataclass.
    """
    if not dataclasses.is_dataclass(tree):
        raise TypeError(f"expected a law or the class of a law, got {tree!r}")
    return {
        field.name: field.metadata[_KEY]
        for field in dataclasses.fields(tree)
        if field.metadata.get(_KEY) is not None
    }


def element_shapes(tree: Tree) -> tuple[tuple[int, ...], ...]:
    """The declared shape of each leaf of a law or another tree, in tree order.

    A leaf has this shape after the axes of its batch; the shape of a number is empty.
    """
    return _element_shapes(jax.tree.structure(tree))


@functools.lru_cache(maxsize=1024)
def _element_shapes(structure: Tree) -> tuple[tuple[int, ...], ...]:
    skeleton = jax.tree.unflatten(structure, [0] * structure.num_leaves)
    paths, _ = jax.tree_util.tree_flatten_with_path(skeleton)
    found = [_declared(skeleton, path) for path, _ in paths]
    return tuple(each.shape if each else () for each in found)


def _declared(tree: Tree, path: Sequence[Tree]) -> Declaration | None:
    """What is declared of the leaf at a path of JAX's keys."""
    if not path or not isinstance(path[-1], jax.tree_util.GetAttrKey):
        return None
    holder = tree
    for key in path[:-1]:
        match key:
            case jax.tree_util.GetAttrKey(name=name):
                holder = getattr(holder, name)
            case jax.tree_util.DictKey(key=entry) | jax.tree_util.SequenceKey(idx=entry):
                holder = holder[entry]
            case _:  # a node of another kind holds no law
                return None
    return declarations(holder).get(path[-1].name) if dataclasses.is_dataclass(holder) else None


def _card_of(law: Tree) -> Card:
    """What a law shows in place of its fields."""
    leaves = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(law)[0]:
        found = _declared(law, path) or Declaration(Domain.REAL)
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        leaves.append((name, leaf, found.shape, " ".join(map(str, found.unit))))
    return card_of_law(law, leaves)


@dataclass_transform(
    eq_default=False,
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(real, positive, unit_interval, static),
)
def pytree(cls: type[_T]) -> type[_T]:
    """Make a class a frozen, keyword-only dataclass and a JAX tree.

    Fields are children of the tree unless declared `static()`. Instances compare by identity,
    because equality of arrays is ambiguous. JAX rebuilds trees with placeholders, so the
    constructor must not validate anything.

    A class with `loss` and `input_names` is a law. The program knows the class from now on:
    `jaxlaws.load` finds it by name.

    Raises:
        TypeError: a method under `jaxlaws.inputs.prediction` has inputs that are not valid, or the
            unit of a coefficient names an input or a coefficient that the law does not have.
    """
    for method in list(vars(cls).values()):
        if hasattr(method, COMPLETE_CLASS):
            getattr(method, COMPLETE_CLASS)(cls)
    shows_card = cls.__repr__ is not object.__repr__
    made = dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=not shows_card)(cls)
    if not shows_card and callable(getattr(made, "loss", None)) and hasattr(made, "input_names"):
        for name in ("__repr__", "_repr_html_"):
            setattr(made, name, getattr(Displayed, name))
        setattr(made, "_card", _card_of)  # noqa: B010 - the class does not declare it
    fields = dataclasses.fields(made)  # pyright: ignore[reportArgumentType]
    fixed = [each.name for each in fields if each.metadata.get(_KEY, "child") is None]
    children = [each.name for each in fields if each.name not in fixed]
    register_dataclass(made, data_fields=children, meta_fields=fixed)
    register_for_export(made)
    names = getattr(made, "input_names", None)
    if callable(getattr(made, "loss", None)) and isinstance(names, tuple):
        _check_units(made, names)
        LAW_CLASSES.append(made)
    return made


def register_for_export(cls: type[_T]) -> type[_T]:
    """Register a class of JAX trees, so that programs exported by `jax.export` may return them.

    What a tree has beside its arrays, such as names, must be strings, numbers, None and tuples of
    these. A class inside a function is not registered. Where a program defines a class again, the
    first one stays registered.
    """
    name = f"{cls.__module__}.{cls.__qualname__}"
    if "<locals>" not in name and name not in _EXPORTED:
        _EXPORTED.add(name)
        jax.export.register_pytree_node_serialization(
            cls,
            serialized_name=name,
            serialize_auxdata=lambda fixed: json.dumps(fixed).encode(),
            deserialize_auxdata=lambda text: _with_tuples(json.loads(text)),
        )
    return cls


def _with_tuples(value: Json) -> Json:
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _check_units(law_type: type[object], input_names: tuple[str, ...]) -> None:
    declared = declarations(law_type)
    for name, each in declared.items():
        for power in each.unit:
            where = f"{law_type.__qualname__}.{name} has the unit of {power}"
            if power.name not in input_names:
                hint = " (an exponent of several factors needs parentheses)"
                raise TypeError(
                    f"{where}, but {power.name!r} is not an input of the law"
                    f"{hint if power.name in declared else ''}; its inputs are "
                    f"{', '.join(input_names)}"
                )
            for exponent in power.coefficients:
                if exponent not in declared and not hasattr(law_type, exponent):
                    raise TypeError(
                        f"{where}, but {exponent!r} is not a coefficient of the law; its "
                        f"coefficients are {', '.join(declared)}"
                    )
