"""Laws of the user's own on the command line: by file, by module, and from saved files."""

import sys

import pytest

LAWS = """
from jaxlaws.inputs import Input, prediction
from jaxlaws.pytree import positive, pytree

@pytree
class Own:
    E: float = positive()
    k: float = positive()
    own_inputs = {{"dropout": Input("dropout", may_be_zero=True, at_most=1)}}

    @prediction
    def loss(self, *, dropout):
        return self.E + self.k * {formula}

class NoLaw:
    pass
"""
TABLE = "dropout,loss\n" + "\n".join(f"{i / 10},{1.5 + 0.2 * i / 10}" for i in range(10))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a law's module of a name that no other test has, and a table of runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "runs.csv").write_text(TABLE)
    (tmp_path / "own_laws.py").write_text(LAWS.format(formula="dropout"))
    yield tmp_path
    for name in ("own_laws", "broken_laws", "hungry_laws"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("law", ["own_laws.py:Own", "own_laws:Own", "./own_laws.py:Own"])
def test_a_law_is_fitted_and_used(run, folder, law):
    printed = run(
        "fit", "runs.csv", "--law", law, "-o", "fit.json", "--starts", "16", "--json"
    ).json
    assert printed["law"] == "own_laws:Own"
    assert printed["coefficients"]["k"]["value"] == pytest.approx(0.2, rel=1e-3)
    arguments = ["predict", "--law", "fit.json", "--law-module", law.rpartition(":")[0], "--json"]
    printed = run(*arguments, "--input", "dropout=0.5").json
    assert printed["loss"] == [pytest.approx(1.6, rel=1e-4)]
    assert printed["extrapolation_decades"] == [0.0]
    assert run(*arguments, "--input", "dropout=0").json["loss"] == [pytest.approx(1.5, rel=1e-4)]


def test_a_saved_law_of_an_unknown_class_is_told(run, refused, folder):
    run("fit", "runs.csv", "--law", "own_laws.py:Own", "-o", "fit.json", "--starts", "16")
    text = (folder / "fit.json").read_text()
    (folder / "fit.json").write_text(text.replace("own_laws:Own", "own_laws:Other"))
    printed = refused("predict", "--law", "fit.json", "--input", "dropout=0.5")
    assert "--law-module" in printed


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ("none.py:Own", "there is no file 'none.py'"),
        ("no_such_module:Own", "there is no module 'no_such_module'"),
        ("own_laws.py:Ow", "own_laws.py has no class 'Ow'; did you mean 'Own'? its laws are Own"),
        ("own_laws.py:NoLaw", "'NoLaw' of own_laws.py is not a law; its laws are Own"),
        ("own_laws.py:", "own_laws.py has no class ''"),
        ("own_laws.py", "is named by its file and class, my_laws.py:MyLaw"),
        ("broken_laws.py:Own", "line 1: "),
        ("hungry_laws.py:Own", "No module named 'no_such_package'"),
        ("json.py:Own", "has the same name. Rename it"),
    ],
)
def test_a_class_that_is_not_a_law_is_refused(refused, folder, law, message):
    (folder / "broken_laws.py").write_text("class Own(:")
    (folder / "hungry_laws.py").write_text("import no_such_package")
    (folder / "json.py").write_text("")
    assert message in " ".join(refused("fit", "runs.csv", "--law", law).split())


def test_a_module_that_is_not_there_is_told(refused, folder):
    assert "there is no file 'none.py'" in refused("predict", "--law-module", "none.py")


def test_a_law_with_inputs_that_are_not_valid_is_told(refused, folder):
    text = LAWS.format(formula="dropout").replace('{"dropout"', '{"dropuot"')
    (folder / "broken_laws.py").write_text(text)
    printed = refused("fit", "runs.csv", "--law", "broken_laws.py:Own")
    assert "unknown input 'dropout' (did you mean 'dropuot'?)" in printed
