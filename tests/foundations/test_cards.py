"""Laws show themselves in a dozen lines, whatever their leaves are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxlaws import fix_inputs, presets
from jaxlaws.foundations.text.cards import MOST_ROWS
from jaxlaws.planning import Mixture
from jaxlaws.pytree import positive, pytree

LAW = presets.load("besiroglu2024")


@pytree
class Weighted:
    w: jax.Array = positive(shape=(3,))
    input_names = ("num_params",)

    def loss(self, *, num_params):
        return self.w.sum() / num_params


@pytest.mark.parametrize("name", presets.names())
def test_each_law_shows_its_coefficients(name):
    law = presets.load(name)
    lines = repr(law).splitlines()
    assert len(lines) <= MOST_ROWS + 8
    assert "more rows" not in repr(law)
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith(f"{type(law).__name__}: a law of ")
    first = jax.tree.leaves(law)[0]
    assert f"{float(first):.6g}" in repr(law)
    assert f"<td>{float(first):.6g}</td>" in law._repr_html_()


def test_units_stand_beside_the_numbers():
    assert any(
        line.split() == ["A", "num_params**alpha", "482.01"] for line in repr(LAW).split("\n")
    )


def test_a_batch_shows_the_middle_and_the_ends():
    batch = jax.tree.map(lambda leaf: leaf * np.array([1.0, 2.0, 4.0]), LAW)
    assert "a batch (3,) of laws" in repr(batch)
    ends = [f"{LAW.E * factor:.6g}" for factor in (2, 1, 4)]
    assert any(line.split() == ["E", *ends] for line in repr(batch).splitlines())


def test_arrays_show_each_element():
    single, batch = Weighted(w=np.arange(1.0, 4.0)), Weighted(w=np.ones((5, 3)))
    assert [line.split() for line in repr(single).splitlines()][3] == ["w[0]", "1"]
    assert "a batch (5,) of laws" in repr(batch)


def test_laws_of_laws_are_shown():
    assert "a law of num_tokens" in repr(fix_inputs(LAW, num_params=1e9))
    assert "laws.E" in repr(Mixture(laws=jax.tree.map(lambda leaf: np.full(2, leaf), LAW)))


@pytest.mark.parametrize("leaf", [None, object(), "text", jax.ShapeDtypeStruct((2,), jnp.float32)])
def test_placeholders_do_not_fail(leaf):
    assert repr(jax.tree.map(lambda _: leaf, LAW)).startswith("Chinchilla")


def test_a_traced_law_shows_its_types():
    seen = []

    def record(law):
        seen.append(repr(law))
        return law.E

    jax.eval_shape(jax.jit(record), LAW)
    jax.eval_shape(jax.vmap(record), jax.tree.map(lambda leaf: np.ones(2), LAW))
    jax.eval_shape(jax.grad(record), LAW)
    assert all("float32[], traced" in text for text in seen)


def test_other_precisions_and_deleted_arrays():
    assert "1.82031" in repr(jax.tree.map(jnp.bfloat16, LAW))
    gone = jax.tree.map(jnp.asarray, LAW)
    gone.E.delete()
    assert repr(gone).startswith("Chinchilla")


def test_an_own_repr_stays():
    @pytree
    class Named:
        E: jax.Array = positive()
        input_names = ("num_params",)

        def loss(self, *, num_params):
            return self.E + 0 * num_params

        def __repr__(self):
            return "my law"

    assert repr(Named(E=1.0)) == "my law"
