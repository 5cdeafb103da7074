"""Laws to JSON and back, and the messages about broken files."""

import dataclasses
import json
import subprocess
import sys

import jax
import numpy as np
import pytest

import jaxlaws
from jaxlaws import presets, saving
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.law import fix_inputs
from jaxlaws.inputs import prediction
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


def test_a_class_without_a_formula_is_passed(tmp_path):
    jaxlaws.save(Constant(E=2.5), tmp_path / "own.json")
    assert jaxlaws.load(tmp_path / "own.json", law_type=Constant).E == 2.5
    with pytest.raises(DataError, match="law_type="):
        jaxlaws.load(tmp_path / "own.json")


@pytree
class SavedLevel:
    E: float = positive()

    @prediction
    def loss(self, *, num_params):
        return self.E + 0 * num_params


@pytree
class Shifted:
    level: SavedLevel
    shift: float = positive()

    @prediction
    def loss(self, *, num_params):
        return self.level.loss(num_params=num_params) + self.shift


def write(path, name, law=None):
    """The file of a law of one number whose class has a name."""
    document = law or {"type": name, "coefficients": {"E": 2.5}}
    path.write_text(json.dumps({"format": 1, "law": document}))
    return path


def test_a_law_that_the_program_has_defined_is_found(tmp_path):
    law = Shifted(level=SavedLevel(E=2.5), shift=0.5)
    jaxlaws.save(law, tmp_path / "own.json")
    assert json.loads((tmp_path / "own.json").read_text())["law"]["type"] == f"{__name__}:Shifted"
    back = jaxlaws.load(tmp_path / "own.json")
    assert jax.tree.structure(back) == jax.tree.structure(law)
    assert jax.tree.leaves(back) == jax.tree.leaves(law)


def test_a_class_that_moved_is_passed(tmp_path):
    path = write(tmp_path / "own.json", "elsewhere:SavedLevel")
    with pytest.raises(DataError, match=r"import the module 'elsewhere' first.*:SavedLevel, which"):
        jaxlaws.load(path)
    assert jaxlaws.load(path, law_type=SavedLevel).E == 2.5
    inner = {"type": "elsewhere:SavedLevel", "coefficients": {"E": 2.5}}
    outer = {"type": "elsewhere:Shifted", "coefficients": {"level": inner, "shift": 1.0}}
    assert jaxlaws.load(write(path, "", outer), law_type=Shifted).level.E == 2.5


def test_a_law_of_a_notebook_is_found_in_whatever_module_it_stands_now(tmp_path):
    assert isinstance(jaxlaws.load(write(tmp_path / "own.json", "__main__:SavedLevel")), SavedLevel)


def test_a_file_imports_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "not_imported.py").write_text("raise SystemExit('imported')")
    for name in (
        "not_imported:SavedLevel",
        "os:system",
        "jaxlaws.saving:Path",
        "builtins:dict",
        ":",
    ):
        with pytest.raises(DataError, match="unknown type of law"):
            jaxlaws.load(write(tmp_path / "own.json", name))


def test_a_class_defined_anew_replaces_the_old_one(tmp_path, monkeypatch):
    """As by running the cell of a notebook again."""
    again = pytree(type("SavedLevel", (), {**body_of(SavedLevel), "__qualname__": "SavedLevel"}))
    path = write(tmp_path / "own.json", f"{__name__}:SavedLevel")
    assert type(jaxlaws.load(path)) is SavedLevel
    monkeypatch.setitem(globals(), "SavedLevel", again)
    assert type(jaxlaws.load(path)) is again


def body_of(law_type):
    names = ("__annotations__", "__module__", "loss")
    return {name: vars(law_type)[name] for name in names} | {"E": positive()}


def test_the_caller_chooses_between_two_classes_of_one_name(tmp_path):
    first, second = local_law(), local_law()
    path = tmp_path / "own.json"
    jaxlaws.save(second(E=2.5), path)
    with pytest.raises(DataError, match=r"knows 2 laws that .*law_type="):
        jaxlaws.load(path)
    assert type(jaxlaws.load(path, law_type=first)) is first


def local_law():
    @pytree
    class Local:
        E: float = positive()

        @prediction
        def loss(self, *, num_params):
            return self.E + 0 * num_params

    return Local


def test_another_program_must_know_the_class(tmp_path):
    """A script saves a law of its own; others load it once they know the class."""
    (tmp_path / "script.py").write_text(SCRIPT)
    python(tmp_path, "script.py")
    assert json.loads((tmp_path / "law.json").read_text())["law"]["type"] == "script:Own"
    reported = python(tmp_path, "-c", "import jaxlaws; jaxlaws.load('law.json')", code=1)
    assert "--law-module" in reported
    assert "import the module 'script' first" in reported
    python(tmp_path, "-c", "import jaxlaws, script; assert jaxlaws.load('law.json').E == 2.5")


SCRIPT = """
import jaxlaws
from jaxlaws.inputs import Input, prediction
from jaxlaws.pytree import positive, pytree

@pytree
class Own:
    E: float = positive()
    own_inputs = {"lr": Input("learning rate")}

    @prediction
    def loss(self, *, lr):
        return self.E * lr

if __name__ == "__main__":
    jaxlaws.save(Own(E=2.5), "law.json")
"""


def python(folder, *arguments, code=0):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def test_a_law_with_fixed_inputs_is_not_saved(tmp_path):
    with pytest.raises(TypeError, match="save its attribute `law`"):
        jaxlaws.save(fix_inputs(LAW, num_params=1e9), tmp_path / "law.json")
    assert not list(tmp_path.iterdir())


def test_presets_beside_a_law_of_ones_own_are_found(monkeypatch):
    own = dataclasses.replace(presets.describe("hoffmann2022"), law=SavedLevel(E=2.5))
    monkeypatch.setitem(globals(), "PRESETS", {"level2": own})
    assert presets.load("level2").E == 2.5
    assert presets.names()[-1] == "level2"
    monkeypatch.setitem(globals(), "PRESETS", {"hoffmann2022": own})
    with pytest.raises(ValueError, match="'hoffmann2022' already exists"):
        presets.load("hoffmann2022")


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


def document(**coefficients):
    given = saving.law_to_json(LAW)["coefficients"] | coefficients
    return {"format": 1, "law": {"type": "chinchilla", "coefficients": given}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the JSON file of a law"),
        ('{"format": 1, "law": {"type": "chinch', "the JSON file of a law"),
        ("\x00\xff\x10", "the JSON file of a law"),
        ("[1, 2]", "no key 'law'"),
        ('{"law": {}}', "format None"),
        ('{"format": 2, "law": {}}', "format 2"),
        ('{"format": 1, "law": 3}', "written as"),
        ('{"format": 1, "law": {"type": "nothing", "coefficients": {}}}', "unknown type"),
        ('{"format": 1, "law": {"type": [1], "coefficients": {}}}', "unknown type"),
        ('{"format": 1, "law": {"type": "chinchilla", "coefficients": {"E": 1}}}', "E, A, alpha"),
        ('{"format": 1, "law": {"type": "chinchilla", "coefficients": 7}}', "got 7"),
        (json.dumps(document(E=-1.0)), r"'E': -1 is outside its domain, 0 to inf"),
        (json.dumps(document(E="nan")), r"'E': nan is not finite"),
        (json.dumps(document(E="1.5")), r"'E': expected a number, got '1.5'"),
        (json.dumps(document(E=2.5)).replace("2.5", "9" * 700), r"'E': inf is not finite"),
        (json.dumps(document(E=2.5)).replace("2.5", "1e999"), r"'E': inf is not finite"),
        (json.dumps(document(E=2.5)).replace("2.5", "NaN"), "NaN is not a number of JSON"),
        (json.dumps(document(E=2.5)).replace("2.5", "[" * 900 + "1" + "]" * 900), "too deeply"),
        (json.dumps(document(E=[1.0, 2.0])), r"different lengths, \(\), \(2,\)"),
        (json.dumps(document() | {"note": 1}), "unknown key 'note'; the keys are format, law, fit"),
        (json.dumps(document()).replace('"A"', '"E"'), "the key 'E' is repeated"),
        ("[" * 100_000, "too deeply"),
        ("[" * 600_000, "500,000 lists and objects"),
        ("1," * 3_000_000, "2,000,000 values"),
        (" " * 2**25, "16 MiB"),
    ],
)
def test_a_file_that_is_not_the_file_of_a_law_gives_one_clear_error(text, message, tmp_path):
    path = tmp_path / "law.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=message) as caught:
        jaxlaws.load(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_draws_of_a_batched_law_have_one_length(tmp_path):
    draws = {name: [1.0, 2.0] for name in ("E", "A", "alpha", "B")}
    (tmp_path / "law.json").write_text(json.dumps(document(**draws, beta=[1.0, 2.0, 3.0])))
    with pytest.raises(DataError, match=r"different lengths, \(2,\), \(3,\)"):
        jaxlaws.load(tmp_path / "law.json")
