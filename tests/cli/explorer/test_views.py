"""Each view: the numbers are those of the public functions, and moving a slider compiles nothing.

A view computes its answer in compiled programs. The code that it shows calls the public functions
without these programs, so that running the code checks the numbers independently.
"""

import contextlib
import dataclasses
import io
import json
import logging
import re
import shlex
import threading
import time

import jax
import numpy as np
import pytest

from jaxlaws.cli.explorer.charts import Answer, Code
from jaxlaws.cli.explorer.controls import Slider
from jaxlaws.cli.explorer.launch import compile_views
from jaxlaws.cli.explorer.laws import DEFAULT_LAW
from jaxlaws.cli.explorer.views.all_views import VIEWS
from jaxlaws.cli.explorer.views.when_to_distil_charts import XS, YS, crossing_lines
from jaxlaws.foundations.quantities import format_quantity

# For each view a state other than the default one.
STATES = {
    "strategies": {"flops": "3e21", "num_student_params": "5e8", "num_inference_tokens": "1e11"},
    "supervised": {"num_params": "3e9", "num_tokens": "2.5e10"},
    "capacity-gap": {"num_student_params": "3e8", "num_student_tokens": "4e10"},
    "when-to-distil": {"num_student_params": "2e9", "flops": "1e21"},
    "split": {"teacher_share": "0.2", "logits_share": "0.4", "flops": "2e21"},
    "history": {"flops": "3e22", "num_inference_tokens": "5e12", "num_unique_tokens": "2e10"},
}
EXISTING_TEACHER = {"teacher": "existing", "num_teacher_params": "3e9", "teacher_loss": "2.1"}
_LOSS = re.compile(r"\b\d\.\d{4,6}\b")
_COUNT = re.compile(r"\b(\d\.?\d*e\+\d+) (parameters|tokens)")


def answer_of(client, view, **state):
    got = client.get("/api/answer", params={"view": view, **state})
    assert got.status_code == 200, got.text
    return got.json()


def shown_text(answer):
    """All text of an answer that a person reads."""
    cells = [cell for table in answer["tables"] for row in table["rows"] for cell in row]
    return " ".join([answer["sentence"], *cells, *(chart["alt"] for chart in answer["charts"])])


def run_python(text):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(text, "shown code", "exec"), {})
    return out.getvalue()


def numbers(tree):
    if isinstance(tree, dict):
        for each in tree.values():
            yield from numbers(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from numbers(each)
    elif isinstance(tree, float):
        yield tree


def test_the_views_describe_their_controls(client):
    found = client.get("/api/views").json()
    assert [view["id"] for view in found["views"]] == [
        "strategies", "supervised", "capacity-gap", "when-to-distil", "split", "your-runs",
        "history",
    ]  # fmt: skip
    for view in found["views"]:
        assert view["title"]
        assert view["question"].endswith("?")
        for control in view["controls"]:
            assert control["label"]
            assert control["help"].strip().endswith((".", "3.0"))
            if control["kind"] == "slider":
                assert control["min"] <= control["default"] <= control["max"]
                assert control["unit"]
            else:
                assert control["default"] in [each["value"] for each in control["choices"]]
    laws = {c["name"]: c for c in found["views"][0]["controls"]}["law"]
    assert laws["default"] == DEFAULT_LAW
    assert "not their printed coefficients" in laws["help"]


@pytest.mark.parametrize("view", STATES)
def test_an_answer_has_a_sentence_with_numbers_and_charts_with_texts(client, view):
    answer = answer_of(client, view, **STATES[view])
    assert re.search(r"\d", answer["sentence"])
    assert answer["sentence"].endswith(".")
    assert "nats per token" in answer["sentence"] or view == "history"
    assert answer["charts"]
    for chart in answer["charts"]:
        assert re.search(r"\d", chart["alt"]), chart["id"]
        assert chart["title"]
    assert all(np.isfinite(number) for number in numbers(answer))
    text = json.dumps(answer)
    assert "NaN" not in text
    assert "nan" not in shown_text(answer)
    assert not re.search(r"\d[KMBT] FLOPs", text)


@pytest.mark.parametrize(
    ("view", "more"),
    [*((view, {}) for view in STATES), ("when-to-distil", EXISTING_TEACHER)],
)
def test_the_code_gives_the_numbers_that_are_shown(client, run, view, more):
    answer = answer_of(client, view, **STATES[view], **more)
    shown = shown_text(answer)
    printed = run_python(answer["code"]["python"])
    losses = [f"{float(each):.4f}" for each in _LOSS.findall(printed)]
    assert losses
    for loss in losses:
        assert loss in shown, (loss, printed, shown)
    for number, unit in _COUNT.findall(printed):
        assert format_quantity(float(number)) in shown, (number, unit)
    for percent in re.findall(r"\d+\.\d%", printed):
        assert percent in shown or percent == "0.0%", percent
    lines = [line for line in answer["code"]["shell"].splitlines() if line.startswith("jaxlaws")]
    outputs = [run(*shlex.split(line)[1:]).out for line in lines]
    assert lines
    for line, output in zip(lines, outputs, strict=True):
        if "crossover" not in line:
            found = {f"{float(each):.4f}" for each in _LOSS.findall(output)}
            assert any(loss in shown for loss in found), (line, output)


@pytest.mark.slow  # a minute: each kind of law is compiled
@pytest.mark.parametrize("view", STATES)
def test_every_law_of_a_view_has_an_answer(client, session, view):
    choice = {control.name: control for control in VIEWS[view].controls(session.laws)}["law"]
    assert len(choice.options) >= 5
    for option in choice.options:
        assert answer_of(client, view, law=option.value)["charts"], option.value


@pytest.fixture
def compiled(caplog):
    """The messages of JAX on compilations in any thread; `jax.log_compiles` is for one thread."""
    caplog.set_level(logging.WARNING, logger="jax")
    jax.config.update("jax_log_compiles", True)
    yield lambda: [each.getMessage() for each in caplog.records if "Compiling" in each.getMessage()]
    jax.config.update("jax_log_compiles", False)


@pytest.mark.parametrize("after", ["other tests", pytest.param("start", marks=pytest.mark.slow)])
@pytest.mark.parametrize("view", STATES)
def test_moving_a_slider_compiles_nothing(client, session, view, after, compiled):
    if after == "start":  # without the programs that other tests have compiled
        jax.clear_caches()
    compile_views(session, [{"view": view}])
    sliders = [each for each in VIEWS[view].controls(session.laws) if isinstance(each, Slider)]
    before = len(compiled())
    for slider in sliders:
        middle = (slider.low * slider.high) ** 0.5 if slider.scale == "log" else slider.low
        for position in (slider.low, middle, slider.high):
            answer_of(client, view, **{slider.name: f"{position:.3g}"})
    assert compiled()[before:] == []


def test_a_law_beyond_its_runs_says_by_what_factor(client):
    inside = answer_of(client, "supervised", num_params="1e9", num_tokens="1e11")
    assert inside["extrapolation"] is None
    outside = answer_of(client, "supervised", num_params="1e9", num_tokens="5.12e12")
    assert outside["extrapolation"] == "10 times beyond the largest run in tokens"


def test_bands_and_confidence_come_from_the_draws(client):
    losses = answer_of(client, "strategies", **STATES["strategies"])["charts"][0]
    bands = {each["name"]: each for each in losses["series"]}
    low, high = (np.array(bands["distilled"][end], dtype=float) for end in ("low", "high"))
    middle = np.array(bands["distilled"]["y"], dtype=float)
    known = np.isfinite(low)
    assert known.sum() > 5
    assert np.all(low[known] < high[known])
    assert np.mean((low[known] <= middle[known]) & (middle[known] <= high[known])) > 0.8


@pytest.mark.parametrize("query", [{"view": "no"}, {"view": "split", "flops": "x"}, {}])
def test_a_wrong_request_is_status_400(client, query):
    got = client.get("/api/answer", params=query)
    assert got.status_code == 400
    assert set(got.json()) == {"error"}


def test_compilations_are_counted(client, compiled):
    """So that the test above can fail."""
    jax.jit(lambda number: 3 * number)(1.0)
    assert compiled()


def test_the_first_answers_of_a_kind_wait_for_one_another(monkeypatch, session):
    running, most, begin = [], [], threading.Barrier(2)

    def slow(_):
        running.append(1)
        most.append(len(running))
        time.sleep(0.1)
        running.pop()
        return Answer(sentence="1", charts=[], code=Code("", ""))

    view = dataclasses.replace(VIEWS["supervised"], answer=slow)
    monkeypatch.setitem(VIEWS, "supervised", view)
    query = {"view": "supervised", "law": "kaplan2020", "flops_model": "transformer"}

    def ask():
        begin.wait()
        session.answer(query)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1]


def test_lines_of_no_gain_that_meet_at_an_edge_stay_apart():
    sizes, budgets = np.meshgrid(np.log(XS), np.log(YS))
    lower = np.log(YS[8]) + 0.9 * (sizes - np.log(XS[20]))  # leaves the map at the size 20
    gains = (budgets - lower) * (budgets - lower - 6.0)
    lines = crossing_lines(gains)
    assert len(lines) == 2
    for xs, ys in lines:
        steps = np.diff(np.log(ys)) / np.diff(np.log(xs))
        np.testing.assert_allclose(steps, 0.9, atol=0.3)
