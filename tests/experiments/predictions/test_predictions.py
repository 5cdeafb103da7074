"""Planned runs, their predicted losses, stacks of runs, and the judgement."""

import math
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.predictions import judgement
from experiments.predictions.plan import QUESTIONS, Stack, stacks
from experiments.predictions.predicted import RECORD, TABLES, Fits, interval, losses
from experiments.predictions.stacks import STEPS_A_CALL, Programs, train_stack
from experiments.runlab import training
from experiments.runlab.batches import Windows
from experiments.runlab.model import Shape
from experiments.runlab.runs import BATCH_TOKENS, BATCH_WINDOWS, TEACHER_HALF, Run
from fitting import bundled_runs, markdown_table
from jaxlaws import presets

HALF = 32_109_606  # symbols of the shorter half
LAW = presets.load("busbridge2025_refit")


@pytest.fixture
def broadcasting():
    """A transformer broadcasts its gains over the batch, which the other tests forbid.

    Programs are compiled in threads, which do not see a context of the main thread.
    """
    before = jax.config.jax_numpy_rank_promotion
    jax.config.update("jax_numpy_rank_promotion", "allow")
    yield
    jax.config.update("jax_numpy_rank_promotion", before)


def planned():
    return [run for stack in stacks() for run in stack.runs]


def test_every_planned_run_is_new_and_reads_no_symbol_twice():
    runs = planned()
    names = {run.name for run in runs}
    assert len(names) == len(runs)
    assert not names & set(bundled_runs("supervised").others["run"])
    assert not names & set(bundled_runs("distilled").others["run"])
    assert all(run.steps * BATCH_TOKENS < HALF for run in runs)
    assert all(run.steps % STEPS_A_CALL == 0 for run in runs)


def test_a_teacher_is_trained_before_its_students():
    done = set()
    for stack in stacks():
        assert {run.teacher for run in stack.runs} - {None} <= done
        assert len({run.shape for run in stack.runs}) == 1
        done.update(stack.runs)


@pytest.mark.parametrize("name", QUESTIONS)
def test_options_of_a_comparison_cost_the_same(name):
    question = QUESTIONS[name]
    for option in question.options.values():
        assert option.flops == pytest.approx(question.flops, rel=0.01)
        assert set(option.runs) <= set(planned())


def _fits(spread, noise):
    scale = np.linspace(1 - spread, 1 + spread, 101)
    draws = jax.tree.map(lambda leaf: np.full(101, leaf), LAW)
    wider = replace(draws.supervised, E=draws.supervised.E * scale)
    draws = replace(draws, supervised=wider)
    return Fits(LAW, draws, np.array(noise), np.array(noise))


def test_without_spread_and_noise_the_interval_is_the_prediction():
    for run in (Run(Shape(2, 16, 1), 500), planned()[5]):
        predicted, drawn = losses(run, _fits(0.0, [0.0]))
        np.testing.assert_allclose(drawn, predicted, rtol=1e-12)


def test_the_interval_holds_both_coefficients_and_noise():
    run = Run(Shape(2, 16, 1), 500)
    predicted, drawn = losses(run, _fits(0.1, [0.0]))
    _, high = interval(drawn)
    assert high - predicted == pytest.approx(0.9 * 0.1 * float(LAW.supervised.E), rel=1e-6)
    _, drawn = losses(run, _fits(0.0, [-0.5, 0.5]))
    assert interval(drawn) == pytest.approx((predicted * math.exp(-0.5), predicted * math.exp(0.5)))


def test_a_student_of_a_measured_teacher_has_no_spread_of_its_teacher():
    student = next(run for run in planned() if run.teacher is not None)
    unknown = losses(student, _fits(0.1, [0.0]))[1]
    known = losses(student, _fits(0.1, [0.0]), teacher_loss=1.7)[1]
    assert np.ptp(known) < np.ptp(unknown)


def _row(run, part, predicted, low, high, num_tokens=1e6, teacher=""):
    numbers = {"predicted": predicted, "low": low, "high": high, "num_tokens": num_tokens}
    return {"run": run, "part": part, "teacher": teacher} | {
        key: str(each) for key, each in numbers.items()
    }


def test_judgement_counts_errors_and_coverage():
    rows = [
        _row("a", "x", 1.1, 0.9, 1.2),
        _row("b", "x", 1.9, 1.8, 1.95, num_tokens=2e7),
        _row("c", "y", 1.0, 0.9, 1.1),
        _row("d", "y", 1.5, 1.4, 1.6, teacher="t"),
    ]
    results = {"a": 1.0, "b": 2.0, "d": 1.2}
    assert judgement.summary_rows(rows, results) == [
        ["x", "2", "7.50", "7.50", "10.00", "+2.50", "1", "0"],
        ["y", "1", "25.00", "25.00", "25.00", "+25.00", "0", "1"],
        ["all", "3", "13.33", "10.00", "25.00", "+10.00", "1", "1"],
        ["supervised, under 15 M symbols", "1", "10.00", "10.00", "10.00", "+10.00", "1", "0"],
        ["supervised, over 15 M symbols", "1", "5.00", "5.00", "5.00", "-5.00", "0", "0"],
        ["students", "1", "25.00", "25.00", "25.00", "+25.00", "0", "1"],
    ]
    assert judgement.run_rows(rows, results)[2][3] == "not trained"


def test_seeds_of_a_run_are_compared():
    results = {run.name: 2.0 + 0.02 * run.seed for run in planned()}
    rows = judgement.seed_rows(stacks(), results)
    assert len(rows) == 13
    assert rows[0] == ["s-d192-40000", "2.0000, 2.0200", "0.70"]


FOLDER = Path(judgement.__file__).parent


def test_the_committed_tables_give_the_numbers_of_the_readme():
    readme, page = ((FOLDER / name).read_text() for name in ("README.md", "results.md"))
    results = judgement.measured(FOLDER / "runs.csv")
    assert len(results) == 38
    made = judgement.read(FOLDER / "predictions.csv")
    for fit in TABLES:
        rows = [row for row in made if row["fit"] == fit]
        summary = markdown_table(judgement.SUMMARY_COLUMNS, judgement.summary_rows(rows, results))
        assert summary in page
        assert (summary in readme) == (fit == RECORD)
        assert markdown_table(judgement.RUN_COLUMNS, judgement.run_rows(rows, results)) in page
        found = {row["run"]: float(row["predicted"]) for row in rows}
        _, comparisons = judgement.winner_rows(lambda run, f=found: f[run.name], results)
        assert [line[-2:] for line in comparisons] == [["train"] * 2, ["distil"] * 2]
    assert "contain 31 of them (82%)" in " ".join(readme.split())
    inside = [judgement.inside(row, results) for row in made if row["fit"] == RECORD]
    assert sum(inside) == 31
    seeds = judgement.seed_rows(stacks(), results)
    assert markdown_table(judgement.SEED_COLUMNS, seeds) in page


def test_the_winner_has_the_least_mean_loss():
    results = {}
    for question in QUESTIONS.values():
        for place, option in enumerate(question.options.values()):
            results |= {run.name: 2.0 - place for run in option.runs}
    _, lines = judgement.winner_rows(lambda run: 1.0 if run.teacher is None else 2.0, results)
    assert [line[-2:] for line in lines] == [["train", "distil"]] * 2


@pytest.mark.slow
@pytest.mark.usefixtures("broadcasting")
def test_runs_of_a_stack_become_what_they_become_alone():
    teacher, shape = Run(Shape(1, 16, 1), 50, half=TEACHER_HALF), Shape(1, 8, 1)
    runs = tuple(
        Run(shape, steps, seed=seed, teacher=teacher) for seed, steps in [(0, 100), (1, 50)]
    )
    weights = {teacher: training.model.init(jax.random.key(5), teacher.shape)}
    text = {"student": np.random.default_rng(0).integers(0, 128, 60_000, dtype=np.uint8)}
    stack = Stack("test", runs)
    deadline = time.monotonic() + 3600
    programs = Programs("highest")
    found = {
        run: params
        for run, params, _ in train_stack(runs, stack.group, weights, text, programs, deadline)
    }
    assert set(found) == set(runs)
    for run in runs:
        (alone,) = training.train(
            stack.group,
            (weights[teacher],),
            Windows(text["student"], 128, run.seed),
            steps=run.steps,
            batch=BATCH_WINDOWS,
            learning_rate=run.learning_rate,
            seed=run.seed,
        )
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-3), found[run], alone)


@pytest.mark.usefixtures("broadcasting")
def test_runs_that_cannot_end_in_time_are_given_up():
    runs = (Run(Shape(1, 8, 1), 100_000),)
    text = {"student": np.random.default_rng(0).integers(0, 128, 60_000, dtype=np.uint8)}
    stack = Stack("test", runs)
    programs = Programs("highest")
    programs.prepare(stack.group, 1).result()
    begin = time.monotonic()
    trained = train_stack(runs, stack.group, {}, text, programs, begin + 5)
    assert list(trained) == []
