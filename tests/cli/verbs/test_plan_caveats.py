"""Plans made from a fit state what the fit does not determine."""

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::fitting.WeakDesignWarning")


def write(path, sizes, tokens, loss):
    rows = zip(sizes.tolist(), tokens.tolist(), loss.tolist(), strict=True)
    lines = [",".join(map(repr, row)) for row in rows]
    path.write_text("num_params,num_tokens,loss\n" + "\n".join(lines))
    return path


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """Files of fits: runs with 20 tokens per parameter, and runs whose floor is below zero."""
    from fitting import Runs, fit
    from jaxlaws.laws.chinchilla import Chinchilla

    folder = tmp_path_factory.mktemp("fits")
    sizes = np.geomspace(1e8, 1e9, 8)
    loss = 1.7 + 60 / sizes**0.2 + 300 / (20 * sizes) ** 0.25
    collinear = write(folder / "collinear.csv", sizes, 20 * sizes, loss)
    sizes, tokens = (each.ravel() for each in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
    loss = (60 / sizes**0.2 + 300 / tokens**0.25 - 1.0) * np.where(np.arange(9) % 2, 1.01, 0.99)
    bounded = write(folder / "bounded.csv", sizes, tokens, loss)
    for path, draws in ((collinear, 0), (bounded, 32)):
        result = fit(Chinchilla, Runs.read(path), num_starts=16, bootstrap=draws)
        result.save(path.with_suffix(".json"))
    return folder


def test_the_split_of_collinear_runs_is_a_range(run, fits):
    plan = run("plan", "train", "--law", fits / "collinear.json", "--flops", "1e21", "--json").json
    assert plan["num_params"] is None
    assert plan["num_tokens"] is None
    assert plan["loss"] is None
    sizes, tokens = plan["split_range"]["num_params"], plan["split_range"]["num_tokens"]
    # The plan, and the plan that exchanges the roles: D / 20 parameters and 20 N tokens.
    assert sizes["low"] * tokens["high"] == pytest.approx(1e21 / 6)
    assert tokens["low"] == pytest.approx(20 * sizes["low"])
    assert tokens["high"] == pytest.approx(20 * sizes["high"])
    assert sizes["low"] < (1e21 / 120) ** 0.5 < sizes["high"]
    assert any("exponents cannot be separated" in each for each in plan["caveats"])


def test_the_loss_at_the_ratio_of_the_runs_is_that_of_the_fit(run, fits):
    import jaxlaws

    shown = run("plan", "train", "--law", fits / "collinear.json", "--flops", "1e21").out
    size = (1e21 / 120) ** 0.5
    law = jaxlaws.load(fits / "collinear.json")
    loss = law.E + law.A * size**-law.alpha + law.B * (20 * size) ** -law.beta
    assert f"to a loss of {loss:.4f}" in shown
    assert "Caveat: num_tokens is a power of num_params" in shown


def test_tables_and_pictures_carry_the_range(run, fits, tmp_path):
    law, sweep = fits / "collinear.json", "1e20:1e22:3"
    shown = run("plan", "train", "--law", law, "--flops", sweep, "-o", tmp_path / "plans.csv").out
    assert "not determined" in shown
    head, *rows = (tmp_path / "plans.csv").read_text().splitlines()
    table = dict(zip(head.split(","), rows[0].split(","), strict=True))
    assert table["num_params"] == ""
    assert float(table["split_range.num_params.low"]) > 0
    assert "caveats" not in table
    run("plan", "train", "--law", law, "--flops", sweep, "-o", tmp_path / "plans.svg")
    plain = tmp_path / "plain.svg"
    run("plan", "train", "--law", "besiroglu2024", "--flops", sweep, "-o", plain)
    assert (tmp_path / "plans.svg").stat().st_size > plain.stat().st_size  # letters are paths


def test_a_floor_on_its_bound_is_named(run, fits):
    plan = run("plan", "train", "--law", fits / "bounded.json", "--flops", "1e21", "--json").json
    assert plan["num_params"] is not None
    assert any("E from 0, the edge" in each for each in plan["caveats"])
    assert any("not its form" in each for each in plan["caveats"])


@pytest.mark.parametrize("is_free", [True, False])
def test_a_split_that_a_free_gamma_leaves_open_names_the_law_without_it(run, tmp_path, is_free):
    import dataclasses

    from fitting import Runs, fit
    from jaxlaws.laws.supervised import Supervised

    sizes, tokens = (each.ravel() for each in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
    loss = 1.7 + 60 / sizes**0.2 + 300 / tokens**0.25
    runs = Runs.read(write(tmp_path / "runs.csv", sizes, tokens, loss))
    held = {} if is_free else {"freeze": {"gamma": 1.0}}
    result = fit(Supervised, runs, num_starts=8, bootstrap=8, **held)
    wide = dataclasses.replace(result.ensemble, A=np.geomspace(1.0, 1e7, 8))
    result = dataclasses.replace(result, ensemble=wide, ensemble_status=np.zeros(8, int))
    result.save(tmp_path / "fit.json")
    asked = ("plan", "train", "--law", tmp_path / "fit.json", "--flops", "1e21", "--json")
    caveat = next(each for each in run(*asked).json["caveats"] if "is split between" in each)
    remedy = ", or fit the law with fewer coefficients, --law chinchilla"
    assert caveat.endswith(f"tokens to parameters{remedy if is_free else ''}")


@pytest.mark.slow  # profiles compile a program for each coefficient; test_profiles.py is fast
def test_a_floor_on_its_bound_gets_a_profile_interval(run, fits):
    options = ("--law", "chinchilla", "--starts", 16, "--bootstrap", 32, "--json")
    floor = run("fit", fits / "bounded.csv", *options).json["coefficients"]["E"]
    profiled = run("fit", fits / "bounded.csv", *options[:4], "--interval", "profile", "--json")
    assert floor["interval"] == "profile"
    assert floor["low"] == 0
    assert floor["high"] > 0
    expected = profiled.json["coefficients"]["E"]
    assert floor["high"] == pytest.approx(expected["high"], rel=1e-6)


def test_a_preset_has_no_caveats_of_a_fit(run):
    plan = run("plan", "train", "--law", "besiroglu2024", "--flops", "1e21", "--json").json
    assert "caveats" not in plan
    assert plan["num_params"] > 0


def test_a_loss_that_does_not_determine_the_size_gives_its_range(run, tmp_path):
    """Where the reducible loss is 1e-8 of the loss, the optimum is flat to nine digits."""
    from jaxlaws import save
    from jaxlaws.laws.chinchilla import Chinchilla

    save(Chinchilla(E=2.0, A=1.0, alpha=1.0, B=1.0, beta=1.0), tmp_path / "law.json")
    asked = ("plan", "train", "--law", tmp_path / "law.json", "--flops")
    plan = run(*asked, "6e16", "--json").json
    assert plan["status"] == "CONVERGED"
    assert plan["near_optimal_range"]["within"] == pytest.approx(2e-9)
    ends = plan["near_optimal_range"]["num_params"]
    # 1 / N + N / 1e16 is 2e-8 cosh(x) for N = 1e8 exp(x): 2e-9 above the least at cosh(x) = 1.1.
    expected = 1e8 * np.exp([-np.arccosh(1.1), np.arccosh(1.1)])
    np.testing.assert_allclose([ends["low"], ends["high"]], expected, rtol=1e-5)
    words = "does not determine the parameters (64.2M to 156M): there it is the same to nine digits"
    assert any(words in each for each in plan["caveats"])
    assert words in " ".join(run(*asked, "6e16").out.split())
    swept = run(*asked, "6e12:6e16:3", "-o", tmp_path / "plans.svg", "--json").json
    assert "parameters (in 2 of 3 plans)" in swept["caveats"][0]
    assert len(swept["near_optimal_range"]["num_params"]["low"]) == 3
