"""`jaxlaws presets` and `jaxlaws predict`."""

import json

import jax
import numpy as np
import pytest

import jaxlaws
from jaxlaws import presets


def test_help_lists_the_verbs(run):
    ran = run("--help")
    assert ran.code == 0
    for verb in ("presets", "predict", "fit", "plan", "demo"):
        assert verb in ran.out


def test_a_verb_misspelt_is_reported(refused):
    assert "presets" in refused("preset")


def test_presets_are_listed(run):
    ran = run("presets")
    assert all(name in ran.out for name in presets.names())
    assert [each["name"] for each in run("presets", "--json").json["presets"]] == presets.names()


def test_the_first_line_says_which_presets_are_not_for_plans(run):
    for first in (run("presets").out.splitlines()[0], run("presets", "busbridge2025").out):
        assert "does not fit the paper's own Fig. 1" in first.split("\n\n")[0]
        assert "busbridge2025_refit" in first.split("\n\n")[0]


def test_one_preset_says_where_it_comes_from(run):
    ran = run("presets", "busbridge2025")
    for reported in ("2502.08606", "non-embedding", "522.6", "1.10%", "fitted num_student_params"):
        assert reported in ran.out
    reported = run("presets", "besiroglu2024", "--json").json
    assert reported["coefficients"]["B"] == 2085.43
    assert reported["intervals"]["B"] == [1042.0, 5810.0]
    assert reported["fitted_range"]["num_params"] == [5.7e7, 1.6e10]


def test_an_unknown_preset_is_reported(refused):
    assert "did you mean 'kaplan2020'" in refused("presets", "kaplan2021")


def test_predict(run):
    arguments = ["predict", "--law", "busbridge2025", "--student", "1B", "--tokens", "20B"]
    reported = run(*arguments, "--teacher-loss", "2.2", "--json").json
    assert reported["loss"] == [pytest.approx(2.316953, abs=5e-7)]
    assert reported["extrapolation_decades"] == [0.0]
    assert "2.316953" in run(*arguments, "--teacher-loss", "2.2").out


def test_predict_crosses_sweeps(run):
    reported = run(
        "predict",
        "--law",
        "hoffmann2022",
        "--params",
        "1e9:1e11:3",
        "--tokens",
        "2e10:2e12:2",
        "--json",
    ).json
    assert reported["num_params"] == pytest.approx([1e9, 1e9, 1e10, 1e10, 1e11, 1e11])
    assert len(reported["loss"]) == 6


def test_a_distillation_law_answers_for_supervised_runs(run):
    reported = run(
        "predict", "--law", "busbridge2025", "--params", "1B", "--tokens", "20B", "--json"
    )
    assert reported.json["loss"] == [pytest.approx(2.374692, abs=5e-7)]


@pytest.mark.parametrize("law", ["busbridge2025", "busbridge2025_refit"])
def test_a_distillation_law_has_the_range_of_its_supervised(run, law):
    reported = run("predict", "--law", law, "--params", "1e15", "--tokens", "1e10", "--json").json
    assert reported["extrapolation_decades"] == [pytest.approx(np.log10(1e15 / 1.26e10))]


def test_an_unknown_range_is_never_called_inside(run):
    arguments = ["predict", "--law", "hoffmann2022", "--params", "1e15", "--tokens", "1e10"]
    assert run(*arguments, "--json").json["extrapolation_decades"] == [None]
    assert "unknown" in run(*arguments).out


def test_predict_with_a_saved_law(run, tmp_path):
    path = tmp_path / "law.json"
    jaxlaws.save(presets.load("kaplan2020"), path)
    reported = run("predict", "--law", path, "--params", "1e9", "--tokens", "2e10", "--json").json
    assert reported["loss"] == [pytest.approx(2.373882, abs=5e-7)]


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["--law", "hoffmann2022", "--params", "1B"], "--tokens"),
        (
            ["--law", "hoffmann2022", "--params", "1B", "--tokens", "1B", "--student", "1B"],
            "--student",
        ),
        (["--law", "hoffmann2022", "--params", "0", "--tokens", "1B"], "above zero"),
        (["--law", "hoffmann2022", "--params", "-1B", "--tokens", "1B"], "above zero"),
        (["--law", "hoffmann2022", "--params", "big", "--tokens", "1B"], "'big'"),
        (["--law", "hoffmann2022", "--params", "9:1:3", "--tokens", "1B"], "must rise"),
        (["--law", "hoffmann2022", "--params", "1:9", "--tokens", "1B"], "low:high:count"),
        (
            ["--law", "hofmann2022", "--params", "1B", "--tokens", "1B"],
            "did you mean 'hoffmann2022'",
        ),
        (["--law", "nowhere.json", "--params", "1B", "--tokens", "1B"], "no file 'nowhere.json'"),
    ],
)
def test_bad_input_is_one_message(refused, arguments, reported):
    assert reported in refused("predict", *arguments)


@pytest.mark.parametrize("content", [b"", b'{"format": 1, "law": {"ty', bytes(range(256)), b"[]"])
def test_a_broken_law_file_is_one_message(refused, content, tmp_path):
    path = tmp_path / "law.json"
    path.write_bytes(content)
    assert "law.json" in refused("predict", "--law", path, "--params", "1B", "--tokens", "1B")
    assert path.read_bytes() == content


def test_a_law_cut_in_half_is_one_message(refused, tmp_path):
    path = tmp_path / "law.json"
    jaxlaws.save(presets.load("busbridge2025"), path)
    path.write_text(path.read_text()[: len(path.read_text()) // 2])
    assert "law.json" in refused("predict", "--law", path, "--student", "1B", "--tokens", "1B")
    document = {"format": 1, "law": {"type": "chinchilla", "coefficients": {"E": 1.0}}}
    path.write_text(json.dumps(document))
    assert "alpha" in refused("predict", "--law", path, "--params", "1B", "--tokens", "1B")


def test_inputs_that_have_no_option_of_their_own(run, refused):
    arguments = ["predict", "--law", "muennighoff2023", "--params", "1B", "--tokens", "1e11"]
    reported = run(*arguments, "--input", "num_unique_tokens=2e10", "--json").json
    law = presets.load("muennighoff2023")
    with jax.enable_x64(True):
        loss = law.loss(num_params=1e9, num_tokens=1e11, num_unique_tokens=2e10)
    assert reported["loss"] == [pytest.approx(float(loss), rel=1e-12)]
    assert "lacks --input num_unique_tokens=…" in refused(*arguments)
    assert "write --params" in refused(*arguments, "--input", "num_params=3")
