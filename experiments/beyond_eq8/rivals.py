"""The forms that were tried, each a law that `fitting` takes.

All share the coefficients of `DistillationLimit` and differ in what is subtracted from it, or in
the bracket. w scales a gain; with w = 0 (and m = 0, where there is one) each is Eq. 8 again.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from jaxlaws.inputs import prediction
from jaxlaws.laws.supervised import Supervised
from jaxlaws.powers import power
from jaxlaws.pytree import Coefficient, positive, pytree, unit_interval

_LARGEST_EXPONENT = 35.0


class Terms(NamedTuple):
    """What the forms are made of.

    Attributes:
        teacher: L_T.
        alone: L~, of the supervised law at the student's size and tokens.
        endless: the same with endless tokens.
        irreducible: the same with endless size too.
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
        """The term of Eq. 8: how far above its teacher a student ends."""
        return self.mimicry * self.bracket * self.resource

    @property
    def share_of_tokens(self) -> jax.Array:
        """Part of the student's own reducible loss that is for want of tokens."""
        return (self.alone - self.endless) / (self.alone - self.irreducible)


Formula = Callable[[Any, Terms], jax.Array]


def rival(name: str, formula: Formula, *, over_excess: bool = False, **extra: Any) -> type[Any]:
    """A law: `formula` of its coefficients and terms, its loss.

    Args:
        name: of the class.
        formula: the loss.
        over_excess: whether the bracket compares losses above the irreducible one.
        extra: fields beyond those of `DistillationLimit`; `m` sharpens the bracket.
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
    return pytree(type(name, (), body | fields))


def _gain(amplitude: Callable[[Any, Terms], jax.Array]) -> Formula:
    """Eq. 8 less a gain `w (1 - b) L_T**-c0 * amplitude`."""
    return lambda law, t: t.teacher + t.lacking - law.w * t.past * t.mimicry * amplitude(law, t)


def _root_of_noise(_: Any, t: Terms) -> jax.Array:
    return power(jnp.maximum(1 - t.endless / t.alone, 0.0), 0.5)


def _cut_resource(_: Any, t: Terms) -> jax.Array:
    return t.resource * t.share_of_tokens**2


_EQ8: Formula = lambda _, t: t.teacher + t.lacking  # noqa: E731

# By what the README's table says of each.
RIVALS: dict[str, type[Any]] = {
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
    "bracket over losses above E": rival("Excess", _EQ8, over_excess=True),
    "sharper bracket, f1 L~^m": rival("Sharper", _EQ8, m=positive()),
    "sharper bracket, gain w sqrt(1 - L~oo / L~)": rival(
        "SharperNoise", _gain(_root_of_noise), m=positive(), w=positive()
    ),
    "sharper bracket, gain w K share^2": rival(
        "SharperCut", _gain(_cut_resource), m=positive(), w=positive()
    ),
}
