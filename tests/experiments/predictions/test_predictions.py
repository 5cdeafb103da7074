"""Planned runs, their predicted losses, stacks of runs, and the judgement."""

import math
import time
from dataclasses import replace

import jax
import numpy as np
import pytest

from experiments.predictions import judgement
from experiments.predictions.plan import QUESTIONS, Stack, stacks
from experiments.predictions.predicted import Fits, interval, losses
from experiments.predictions.stacks import STEPS_A_CALL, Programs, train_stack
from experiments.runlab import training
from experiments.runlab.batches import Windows
from experiments.runlab.model import Shape
from experiments.runlab.runs import BATCH_TOKENS, BATCH_WINDOWS, TEACHER_HALF, Run
from fitting import bundled_runs
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


def test_judgement_counts_errors_and_coverage():
    rows = [
        {"run": "a", "part": "x", "fit": "f", "predicted": "1.1", "low": "0.9", "high": "1.2"},
        {"run": "b", "part": "x", "fit": "f", "predicted": "1.9", "low": "1.8", "high": "1.95"},
        {"run": "c", "part": "y", "fit": "f", "predicted": "1.0", "low": "0.9", "high": "1.1"},
    ]
    results = {"a": 1.0, "b": 2.0}
    part, everything = judgement.part_rows(rows, results)
    assert part == ["x", "f", "2", "7.50", "+2.50", "10.00", "1 of 2"]
    assert everything[0] == "all"
    assert judgement.run_rows(rows, results)[2][3] == "not trained"


def test_the_winner_has_the_least_mean_loss():
    results = {}
    for question in QUESTIONS.values():
        for place, option in enumerate(question.options.values()):
            results |= {run.name: 2.0 - place for run in option.runs}
    _, lines = judgement.winner_rows(lambda run: 1.0 if run.teacher is None else 2.0, results)
    assert [line[-2:] for line in lines] == [["train", "distil"]] * 2


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
