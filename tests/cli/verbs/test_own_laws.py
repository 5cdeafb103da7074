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


MIXTURES = """
import jax.numpy as jnp
from jaxlaws.inputs import Input, prediction
from jaxlaws.pytree import Coefficient, positive, pytree, real

def mixture_law(name, shares, losses):
    @pytree
    class Mix:
        c: Coefficient = positive(shape=len(losses))
        t: Coefficient = real(shape=(len(losses), len(shares)))
        own_inputs = {each: Input(each, may_be_negative=True) for each in shares}
        input_names = tuple(shares)
        outcomes = tuple(losses)
        outcome = Input("normalised loss", may_be_negative=True)

        @prediction
        def loss(self, **inputs):
            sums = jnp.stack([inputs[each] for each in shares], axis=-1) @ self.t.T
            return jnp.broadcast_to(self.c, sums.shape) + sums

    Mix.__name__ = Mix.__qualname__ = name
    return Mix

Small = mixture_law("Small", ["web"], ["loss_web", "loss_code"])
Other = mixture_law("Other", ["web", "code"], ["loss_web", "loss_code"])
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a law's module of a name that no other test has, and a table of runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "runs.csv").write_text(TABLE)
    (tmp_path / "own_laws.py").write_text(LAWS.format(formula="dropout"))
    yield tmp_path
    for name in ("own_laws", "broken_laws", "hungry_laws", "mixtures"):
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


def test_a_saved_law_of_an_unknown_class_is_reported(run, refused, folder):
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


def test_a_module_that_is_not_there_is_reported(refused, folder):
    assert "there is no file 'none.py'" in refused("predict", "--law-module", "none.py")


def test_a_law_with_inputs_that_are_not_valid_is_reported(refused, folder):
    text = LAWS.format(formula="dropout").replace('{"dropout"', '{"dropuot"')
    (folder / "broken_laws.py").write_text(text)
    printed = refused("fit", "runs.csv", "--law", "broken_laws.py:Own")
    assert "unknown input 'dropout' (did you mean 'dropuot'?)" in printed


def test_a_law_of_arrays_and_several_outcomes_is_fitted_and_used(run, refused, folder):
    (folder / "mixtures.py").write_text(MIXTURES)
    rows = [f"{x},{1 + 2 * x},{0.5 - x}" for x in (-0.6, -0.3, 0.0, 0.1, 0.4, 0.7)]
    (folder / "mixed.csv").write_text("web,loss_web,loss_code\n" + "\n".join(rows))
    fit = ("fit", "mixed.csv", "--law", "mixtures.py:Small", "--starts", "16")
    assert "--objective squares" in refused(*fit)
    fit = (*fit, "--objective", "squares")
    printed = run(*fit, "-o", "fit.json", "--json").json
    values = {name: each["value"] for name, each in printed["coefficients"].items()}
    expected = {"c[0]": 1.0, "c[1]": 0.5, "t[0,0]": 2.0, "t[1,0]": -1.0}
    assert values == pytest.approx(expected, abs=1e-5)
    predict = ("predict", "--law", "fit.json", "--law-module", "mixtures.py")
    printed = run(*predict, "--input", "web=-0.5", "--json").json
    assert printed["loss_web"] == [pytest.approx(0.0, abs=1e-4)]
    assert printed["loss_code"] == [pytest.approx(1.0, abs=1e-4)]
    assert "loss_code" in run(*predict, "--input", "web=-0.5").out
    assert "too large" in refused(*predict, "--input", "web=1e999")
    printed = run(*fit, "--freeze", "c=1,0.5", "--tie", "t[1,0]=t[0,0]", "--json").json
    assert printed["held"] == {"c[0]": "frozen", "c[1]": "frozen", "t[1,0]": "equal to t[0,0]"}
    assert "no coefficient 'c[2]'" in refused(*fit, "--freeze", "c[2]=1")
    report = ("report", "fit.json", "--law-module", "mixtures.py", "--table", "mixed.csv")
    run(*report, "-o", "report.md")
    assert r"| t\[1,0\] | -1 |" in (folder / "report.md").read_text()
