"""The rival laws that the experiment compares.

All have the coefficients of `DistillationLimit`. They differ in the term that is subtracted, or in
the bracket. w scales a gain; with w = 0 (and m = 0, where the law has an m) each law is Eq. 8.
"""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.law import Law
from jaxlaws.inputs import prediction
from jaxlaws.laws.supervised import Supervised
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree, unit_interval

_LARGEST_EXPONENT = 35.0


class Terms(NamedTuple):
    """The terms of the formulas.

    Attributes:
        teacher: L_T.
        alone: L~, the loss of the supervised law at the size and tokens of the student.
        endless: the same with infinitely many tokens.
        irreducible: the same with infinite size and infinitely many tokens.
        mimicry: L_T**-c0.
        bracket: b, from 1 for strong teachers to 0 for weak ones.
        past: 1 - b.
        of_size: A / N_S**alpha.
        of_tokens: B / D_S**beta.
        resource: (of_size + of_tokens)**gamma.
    """

    teacher: jax.Array
    alone: jax.Array
    endless: jax.Array
    irreducible: jax.Array
    mimicry: jax.Array
    bracket: jax.Array
    past: jax.Array
    of_size: jax.Array
    of_tokens: jax.Array
    resource: jax.Array

    @property
    def lacking(self) -> jax.Array:
        """The term of Eq. 8: the loss of the student above that of its teacher."""
        return self.mimicry * self.bracket * self.resource

    @property
    def share_of_tokens(self) -> jax.Array:
        """The share of the reducible loss of the student that is due to its finite tokens."""
        return (self.alone - self.endless) / (self.alone - self.irreducible)


# From a law (with its coefficients) and the terms to the loss.
Formula = Callable[[Tree, Terms], jax.Array]


def rival(
    name: str, formula: Formula, *, over_excess: bool = False, **extra: Coefficient
) -> type[Law]:
    """Make the class of a law whose loss is a formula of its coefficients and the terms.

    Args:
        name: the name of the class.
        formula: the loss.
        over_excess: whether the bracket compares losses minus the irreducible loss.
        extra: fields besides those of `DistillationLimit`; `m` makes the bracket sharper.
    """

    @prediction
    def loss(
        self,
        *,
        num_student_params: jax.Array,
        num_student_tokens: jax.Array,
        teacher_loss: jax.Array,
    ) -> jax.Array:
        size = {"num_params": num_student_params}
        endless = jnp.full_like(num_student_tokens, jnp.inf)
        alone = self.supervised.loss(num_tokens=num_student_tokens, **size)
        irreducible = self.supervised.loss(num_params=endless, num_tokens=endless)
        floor = irreducible if over_excess else 0.0
        width = self.f1 * jnp.exp(getattr(self, "m", 0.0) * jnp.log(alone))
        steepness = (jnp.log(teacher_loss - floor) - jnp.log(alone - floor)) / width
        past_gap = self.kappa * jnp.exp(jnp.minimum(steepness, _LARGEST_EXPONENT))
        of_size = self.A * power(num_student_params, -self.alpha)
        of_tokens = self.B * power(num_student_tokens, -self.beta)
        terms = Terms(
            teacher=teacher_loss,
            alone=alone,
            endless=self.supervised.loss(num_tokens=endless, **size),
            irreducible=irreducible,
            mimicry=jnp.exp(-self.c0 * jnp.log(teacher_loss)),
            bracket=jnp.exp(-past_gap),
            past=-jnp.expm1(-past_gap),
            of_size=of_size,
            of_tokens=of_tokens,
            resource=power(of_size + of_tokens, self.gamma),
        )
        return formula(self, terms)

    shared = {name: positive() for name in ("alpha", "beta", "gamma", "c0", "kappa", "f1")}
    amplitudes = {
        "A": positive(unit_of="num_student_params", power="alpha"),
        "B": positive(unit_of="num_student_tokens", power="beta"),
    }
    fields = amplitudes | shared | extra
    inputs = ("num_student_params", "num_student_tokens", "teacher_loss")
    types = {"supervised": Supervised, **dict.fromkeys(fields, Coefficient)}
    body = {
        "__annotations__": types | {"input_names": ClassVar},
        "__module__": __name__,
        "__doc__": f"Rival: {name}.",
        "input_names": inputs,
        "loss": loss,
    }
    made: type[Tree] = type(name, (), body | fields)
    return pytree(made)


def _gain(amplitude: Formula) -> Formula:
    """Eq. 8 minus a gain `w (1 - b) L_T**-c0 * amplitude`."""
    return lambda law, t: t.teacher + t.lacking - law.w * t.past * t.mimicry * amplitude(law, t)


def _averaged(share: Callable[[Terms], jax.Array]) -> Formula:
    """Eq. 8 minus a share of the teacher's error, which vanishes for a perfect teacher."""
    return lambda law, t: t.teacher + t.lacking - law.w * share(t) * (t.teacher - t.irreducible)


def _root_of_noise(_: Tree, t: Terms) -> jax.Array:
    return power(jnp.maximum(1 - t.endless / t.alone, 0.0), 0.5)


def _cut_resource(_: Tree, t: Terms) -> jax.Array:
    return t.resource * t.share_of_tokens**2


_EQ8: Formula = lambda _, t: t.teacher + t.lacking  # noqa: E731

# By the name of each law in the tables of the README.
RIVALS: dict[str, type[Law]] = {
    "Eq. 8, limit form": rival("Limit", _EQ8),
    "floor L_T (1 - w)": rival(
        "Floor", lambda law, t: t.teacher * (1 - law.w) + t.lacking, w=unit_interval()
    ),
    "correlated errors, 2 w sqrt(lacking (L_T - E))": rival(
        "Correlated",
        lambda law, t: (
            t.teacher + t.lacking - 2 * law.w * jnp.sqrt(t.lacking * (t.teacher - t.irreducible))
        ),
        w=unit_interval(),
    ),
    "gain w K": rival("Resource", _gain(lambda _, t: t.resource), w=positive()),
    "gain w K max(L_T - L~, 0)": rival(
        "Hinge",
        _gain(lambda _, t: t.resource * jnp.maximum(t.teacher - t.alone, 0.0)),
        w=positive(),
    ),
    "gain w (B / D^beta)^gamma": rival(
        "TokenTerm", _gain(lambda law, t: power(t.of_tokens, law.gamma)), w=positive()
    ),
    "gain w (L~ - L~oo)": rival(
        "WantOfTokens", _gain(lambda _, t: t.alone - t.endless), w=positive()
    ),
    "gain w K share^2": rival("CutResource", _gain(_cut_resource), w=positive()),
    "gain w sqrt(1 - L~oo / L~), shipped": rival("Shipped", _gain(_root_of_noise), w=positive()),
    "gain w share (L_T - E)": rival(
        "AveragedTokens", _averaged(lambda t: t.share_of_tokens), w=unit_interval()
    ),
    "gain w (1 - b) share (L_T - E)": rival(
        "AveragedPast", _averaged(lambda t: t.past * t.share_of_tokens), w=unit_interval()
    ),
    "bracket over losses above E": rival("Excess", _EQ8, over_excess=True),
    "sharper bracket, f1 L~^m": rival("Sharper", _EQ8, m=positive()),
    "sharper bracket, gain w sqrt(1 - L~oo / L~)": rival(
        "SharperNoise", _gain(_root_of_noise), m=positive(), w=positive()
    ),
    "sharper bracket, gain w K share^2": rival(
        "SharperCut", _gain(_cut_resource), m=positive(), w=positive()
    ),
}
