"""Laws to JSON and back, and what a broken file is told."""

import json

import jax
import numpy as np
import pytest

import jaxlaws
from jaxlaws import presets, saving
from jaxlaws.foundations.errors import DataError
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.pytree import positive, pytree

LAW = presets.load("hoffmann2022")


@pytest.mark.parametrize("name", presets.names())
def test_every_preset_comes_back(name, tmp_path):
    law = presets.load(name)
    jaxlaws.save(law, tmp_path / "law.json")
    back = jaxlaws.load(tmp_path / "law.json")
    assert jax.tree.structure(back) == jax.tree.structure(law)
    assert jax.tree.leaves(back) == jax.tree.leaves(law)


def test_a_batched_law_comes_back(tmp_path):
    law = jax.tree.map(lambda leaf: leaf * np.array([1.0, 1 / 3, np.nan, np.inf]), LAW)
    jaxlaws.save(law, tmp_path / "law.json")
    json.loads((tmp_path / "law.json").read_text(), parse_constant=pytest.fail)
    back = jaxlaws.load(tmp_path / "law.json")
    for leaf, expected in zip(jax.tree.leaves(back), jax.tree.leaves(law), strict=True):
        assert leaf.dtype == np.float64
        np.testing.assert_array_equal(leaf, expected)


def test_further_keys_are_passed_over(tmp_path):
    document = {"format": 1, "law": saving.law_to_json(LAW), "fit": {"anything": 1}}
    (tmp_path / "fit.json").write_text(json.dumps(document))
    assert jaxlaws.load(tmp_path / "fit.json").E == 1.69


@pytree
class Constant:
    E: float = positive()
    input_names = ("num_params",)


def test_a_law_of_ones_own(tmp_path):
    jaxlaws.save(Constant(E=2.5), tmp_path / "own.json")
    assert jaxlaws.load(tmp_path / "own.json", law_type=Constant).E == 2.5
    with pytest.raises(DataError, match="law_type="):
        jaxlaws.load(tmp_path / "own.json")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not the JSON file"),
        ('{"format": 1, "law": {"type": "chinch', "not the JSON file"),
        ("\x00\xff\x10", "not the JSON file"),
        ("[1, 2]", "no key 'law'"),
        ('{"law": {}}', "format None"),
        ('{"format": 2, "law": {}}', "format 2"),
        ('{"format": 1, "law": 3}', "written as"),
        ('{"format": 1, "law": {"type": "nothing", "coefficients": {}}}', "unknown type"),
        ('{"format": 1, "law": {"type": [1], "coefficients": {}}}', "unknown type"),
        ('{"format": 1, "law": {"type": "chinchilla", "coefficients": {"E": 1}}}', "E, A, alpha"),
        ('{"format": 1, "law": {"type": "chinchilla", "coefficients": 7}}', "got 7"),
    ],
)
def test_a_broken_file_is_told(text, told, tmp_path):
    path = tmp_path / "law.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=told) as caught:
        jaxlaws.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("value", [None, True, "large", saving.law_to_json(LAW), [1.0, "x"]])
def test_a_coefficient_that_is_no_number_is_named(value, tmp_path):
    document = saving.law_to_json(LAW)
    document["coefficients"]["alpha"] = value
    (tmp_path / "law.json").write_text(json.dumps({"format": 1, "law": document}))
    with pytest.raises(DataError, match="alpha"):
        jaxlaws.load(tmp_path / "law.json")


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "law.json"
    jaxlaws.save(LAW, path)
    old = path.read_bytes()
    with pytest.raises(TypeError):
        saving.write_json(path, {"format": 1, "law": object()})
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["law.json"]
    with pytest.raises(FileNotFoundError):
        jaxlaws.save(LAW, tmp_path / "no" / "such" / "folder.json")


def test_reading_a_law_keeps_every_digit(tmp_path):
    law = Chinchilla(E=1 / 3, A=1e300, alpha=5e-324, B=np.float64(0.1) + 0.2, beta=1.0)
    jaxlaws.save(law, tmp_path / "law.json")
    assert jax.tree.leaves(jaxlaws.load(tmp_path / "law.json")) == jax.tree.leaves(law)
