"""An example of each function that draws, by the name of the function."""

import functools

import numpy as np
from by_hand import size_columns
from laws_of_tests import SizeLaw

from fitting import Runs, fit, hold_out, isoflop_profiles, predict, scaling_of_profiles
from fitting.design.next_runs_answer import NextRuns
from fitting.design.run_influence import Influence
from fitting.uncertainty.profile_likelihood import Profile
from fitting.validation.cross_validation import RollOut
from jaxlaws import presets
from jaxlaws.laws.kaplan import Kaplan
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    compare,
    compute_optimal,
    distill,
    near_optimal_range,
    rank_teachers,
    serving_frontier,
)

LAW = presets.load("busbridge2025_consistent")
FLOPS = np.geomspace(1e18, 1e23, 11)
DECADES = np.where(FLOPS > 1e21, 1.0, 0.0)
OUTSIDE = {"decades": DECADES}
TITLE = {"title": "the title"}
TEACHERS = {"teacher_loss": [2.38, 2.1, 1.95], "num_teacher_params": [9.75e8, 4e9, 1.26e10]}


def decided(scenario=FREE_TEACHER):
    return compare(LAW, flops=FLOPS, num_student_params=3e8, scenario=scenario)


def taught():
    """Runs of students of eight sizes with three teachers."""
    sizes, tokens, teachers = (
        grid.ravel()
        for grid in np.meshgrid(np.geomspace(1e8, 2e9, 8), [2e9, 2e10, 1e11], [2.0, 2.3, 2.6])
    )
    inputs = {
        "num_student_params": sizes, "num_student_tokens": tokens, "teacher_loss": teachers,
    }  # fmt: skip
    loss = predict(LAW, inputs)
    return Runs.read({**inputs, "loss": loss}).for_law(type(LAW))


@functools.cache
def alone():
    """Runs of nine sizes at three budgets, with a fit."""
    law = presets.load("besiroglu2024")
    budgets = np.geomspace(1e19, 1e21, 3)
    best = compute_optimal(law, flops=FLOPS[[2, 4, 6]]).num_params
    sizes = (best[:, None] * np.geomspace(1 / 4, 4, 9)).ravel()
    tokens = np.repeat(budgets, 9) / 6 / sizes
    inputs = {"num_params": sizes, "num_tokens": tokens}
    loss = predict(law, inputs) * (1 + 0.002 * np.sin(np.arange(27)))
    return law, Runs.read({**inputs, "loss": loss})


@functools.cache
def fitted():
    sizes, tokens = np.geomspace(1e7, 1e9, 9), np.tile([1e9, 4e9, 2e10], 3)
    exact = presets.load("kaplan2020").loss(num_params=sizes, num_tokens=tokens)
    loss = exact * (1 + 0.01 * np.sin(np.arange(9.0)))
    runs = Runs.read({"num_params": sizes, "num_tokens": tokens, "loss": loss})
    return fit(Kaplan, runs, num_starts=8, bootstrap=32)


def profile():
    values = np.linspace(0.1, 0.6, 101)
    return Profile(
        name="alpha", value=0.35, values=values, deviances=((values - 0.35) / 0.02) ** 2,
        level=0.9, interval=(0.317, 0.383),
    )  # fmt: skip


def rolled():
    runs = Runs.read(size_columns(), law_type=SizeLaw)
    held = hold_out(SizeLaw, runs, np.arange(12) >= 9, name="the largest", num_starts=16)
    distances = (np.array([0.1, 0.5, 0.9]),)
    return RollOut(by="num_params", hold_outs=(held,), frontiers=np.array([1e8]), decades=distances)


def influenced():
    sizes, tokens = (each.ravel() for each in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 3e11]))
    change = 0.1 * np.cos(np.arange(9.0))
    return Influence(
        value=23.1, per_percent=change, if_left_out=change, first_order=change,
        is_refit=np.ones(9, dtype=bool), rows=np.arange(2, 11), sources=np.full(9, "runs.csv"),
        losses=np.linspace(3, 2, 9), inputs={"num_params": sizes, "num_tokens": tokens},
    )  # fmt: skip


def to_train():
    known = {"num_params": np.array([1e8, 4e8, 2e9]), "num_tokens": np.array([2e9, 3e11, 2e10])}
    sizes, tokens = np.array([2e8, 3e9, 8e8]), np.array([9e10, 4e9, 3e10])
    return NextRuns(
        inputs={"num_params": sizes, "num_tokens": tokens}, costs=6 * sizes * tokens, places=None,
        value=23.1, sd=0.3, sd_after=np.array([0.2, 0.13, 0.1]), quantile=1.64, level=0.9,
        noise=np.full(3, 0.005), known_inputs=known,
    )  # fmt: skip


def profiles():
    return isoflop_profiles(alone()[1], bootstrap=20)


EXAMPLES = {
    "allocation": lambda draw: draw(
        FLOPS,
        distill(LAW, flops=FLOPS, num_student_params=3e8, scenario=FREE_TEACHER),
        **OUTSIDE, **TITLE,
    ),
    "single_plan": lambda draw: draw(
        distill(LAW, flops=1e21, num_student_params=3e8, scenario=TEACHER_INFERENCE), **TITLE
    ),
    "decision": lambda draw: draw(FLOPS, decided(), budget=1e21, **OUTSIDE, **TITLE),
    "single_decision": lambda draw: draw(
        compare(LAW, flops=1e20, num_student_params=3e8, scenario=FREE_TEACHER), **TITLE
    ),
    "gain_by_scenario": lambda draw: draw(
        FLOPS,
        {"free": decided(), "inference": decided(TEACHER_INFERENCE)},
        decades={"free": DECADES, "inference": DECADES}, budget=1e21, **TITLE,
    ),
    "teacher_catalogue": lambda draw: draw(
        rank_teachers(LAW, flops=FLOPS, num_student_params=1e9, **TEACHERS),
        ["small", "middle", "large"], flops=FLOPS, decades=np.tile(DECADES[:, None], 3), **TITLE,
    ),
    "loss_against_serving": lambda draw: draw(
        serving_frontier(
            LAW, flops=1e21, num_params=np.geomspace(1e8, 1e10, 5), scenario=FREE_TEACHER
        ),
        decades=np.array([0, 0, 0, 1.0, 1.0]), **TITLE,
    ),
    "near_optimal_ranges": lambda draw: draw(
        FLOPS,
        [(0.01, near_optimal_range(
            compute_optimal, LAW, of="num_params", within=0.01, flops=FLOPS
        ))],
        of="num_params", label="parameters", **OUTSIDE, **TITLE,
    ),
    "loss_against_tokens_and_compute": lambda draw: draw(*alone(), **TITLE),
    "fit_and_residuals": lambda draw: draw(LAW, taught(), **TITLE),
    "student_against_teacher": lambda draw: draw(LAW, taught(), **TITLE),
    "roll_out_errors": lambda draw: draw(rolled(), **TITLE),
    "intervals": lambda draw: draw(fitted(), **TITLE),
    "profile_likelihoods": lambda draw: draw([profile(), profile()], **TITLE),
    "bootstrap_cloud": lambda draw: draw(fitted(), **TITLE),
    "isoflop_curves": lambda draw: draw(profiles(), **TITLE),
    "runs_by_influence": lambda draw: draw(influenced(), unit="parameters (log)", **TITLE),
    "runs_to_train": lambda draw: draw(to_train(), **TITLE),
    "approaches": lambda draw: draw([scaling_of_profiles(profiles())], flops=FLOPS, **TITLE),
}  # fmt: skip
