import csv
import pathlib

import numpy as np
import pytest

from jaxlaws import compute, presets
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Scenario,
    Status,
    distill,
    train_fixed,
)

SCENARIOS = {
    "best_case": FREE_TEACHER,
    "inference": TEACHER_INFERENCE,
    "pretrain": TEACHER_PRETRAINING,
    "pretrain_inference": TEACHER_PRETRAINING_AND_INFERENCE,
}
PAPER = (1e6, 1e17)
_TABLE = pathlib.Path(__file__).parents[1] / "allocation_grid.csv"
GRID = list(csv.DictReader(_TABLE.read_text(encoding="utf-8").splitlines()))


def _grid(preset, column):
    return np.array([float(row[column]) for row in GRID if row["preset"] == preset])


@pytest.mark.parametrize("preset", ["busbridge2025", "busbridge2025_consistent"])
class TestGridOfPlans:
    """Plans computed by a dense search elsewhere, with the paper's F(N)."""

    def plan(self, preset, scenario):
        return distill(
            presets.load(preset),
            flops=_grid(preset, "budget_flops"),
            num_student_params=_grid(preset, "student_params"),
            scenario=scenario,
            forward_flops=compute.transformer_forward_flops,
            num_student_tokens_bounds=PAPER,
            num_teacher_params_bounds=PAPER,
            num_teacher_tokens_bounds=PAPER,
        )

    @pytest.mark.parametrize("name", SCENARIOS)
    def test_losses(self, preset, name):
        plan = self.plan(preset, SCENARIOS[name])
        np.testing.assert_allclose(plan.loss, _grid(preset, f"{name}_loss"), atol=5.0001e-5)
        assert (plan.status <= Status.BUDGET_UNSPENT).all()

    def test_supervised_losses(self, preset):
        plan = train_fixed(
            presets.load(preset),
            num_params=_grid(preset, "student_params"),
            flops=_grid(preset, "budget_flops"),
            forward_flops=compute.transformer_forward_flops,
        )
        np.testing.assert_allclose(plan.loss, _grid(preset, "supervised_loss"), atol=5.0001e-5)

    def test_best_teachers(self, preset):
        plan = self.plan(preset, FREE_TEACHER)
        expected = _grid(preset, "best_case_teacher_loss")
        np.testing.assert_allclose(plan.teacher_loss, expected, atol=6e-4)

    def test_sizes_and_shares_where_all_is_paid(self, preset):
        plan = self.plan(preset, TEACHER_PRETRAINING_AND_INFERENCE)
        for name in ("num_teacher_params", "num_teacher_tokens", "num_student_tokens"):
            expected = _grid(preset, name.replace("num_", "pretrain_inference_"))
            np.testing.assert_allclose(getattr(plan, name), expected, rtol=6e-3)
        for name in ("student", "logits", "teacher"):
            expected = _grid(preset, f"share_{name}")
            np.testing.assert_allclose(plan.shares[name], expected, atol=5.01e-3)


def _student_loss(law, num_params, num_tokens, teacher_loss):
    """Eq. 8 in plain NumPy."""
    s = law.supervised

    def term(part, n, d):
        return (part.A / n**part.alpha + part.B / d**part.beta) ** part.gamma

    own = s.E + term(s, num_params, num_tokens)
    weak = (teacher_loss / (own * law.d1)) ** (1 / law.f1)
    gain = teacher_loss**-law.c0 * (1 + weak) ** (-law.c1 * law.f1)
    return teacher_loss + gain * term(law, num_params, num_tokens)


@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")
@pytest.mark.parametrize(
    "scenario",
    [
        TEACHER_INFERENCE,
        TEACHER_PRETRAINING,
        TEACHER_PRETRAINING_AND_INFERENCE,
        Scenario(logits=0.3, pretraining=0.01),
    ],
)
def test_no_plan_of_a_dense_search_is_better(scenario):
    law = presets.load("busbridge2025_consistent")
    random = np.random.default_rng(0)
    flops, student = 10 ** random.uniform(16, 27, 40), 10 ** random.uniform(6, 11, 40)
    plan = distill(law, flops=flops, num_student_params=student, scenario=scenario)
    s = law.supervised
    for i, (budget, size) in enumerate(zip(flops, student, strict=True)):
        low, high, best = np.array([3.0, 3.0]), np.array([17.0, 17.0]), np.inf
        for zoom in range(5):
            count = 241 if zoom == 0 else 41
            teacher = np.logspace(low[0], high[0], count)[:, None]
            tokens = np.logspace(low[1], high[1], count)[None, :]
            rest = budget - scenario.pretraining * 6 * teacher * tokens
            share = np.minimum(rest / (6 * size + scenario.logits * 2 * teacher), 1e17)
            teacher_loss = s.E + (s.A / teacher**s.alpha + s.B / tokens**s.beta) ** s.gamma
            loss = _student_loss(law, size, np.where(share < 1e3, np.nan, share), teacher_loss)
            where = np.unravel_index(np.nanargmin(loss), loss.shape)
            best = min(best, loss[where])
            centre = np.log10([teacher[where[0], 0], tokens[0, where[1]]])
            width = 2.5 * (high - low) / (count - 1)
            low, high = np.maximum(centre - width, 3), np.minimum(centre + width, 17)
        assert best - 3e-4 < plan.loss[i] <= best + 1e-8, (budget, size, Status(plan.status[i]))


def test_budget_is_kept_and_reported():
    law, size, served = presets.load("busbridge2025_consistent"), 1e9, 1e11
    plan = distill(
        law,
        flops=1e22,
        num_student_params=size,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        num_students=3,
        num_inference_tokens=served,
    )
    costs = {
        "student": 3 * 6 * size * plan.num_student_tokens,
        "logits": 3 * 2 * plan.num_teacher_params * plan.num_student_tokens,
        "teacher": 6 * plan.num_teacher_params * plan.num_teacher_tokens,
        "serving": 3 * 2 * size * served,
    }
    np.testing.assert_allclose(sum(costs.values()), 1e22, rtol=1e-12)
    for name, cost in costs.items():
        np.testing.assert_allclose(plan.shares[name], cost / 1e22, rtol=1e-9)


def test_students_who_share_a_teacher_gain():
    law = presets.load("busbridge2025_consistent")
    counts = np.array([1.0, 4.0, 16.0, 64.0])
    plan = distill(
        law,
        flops=1e21 * counts,
        num_student_params=1e9,
        scenario=TEACHER_PRETRAINING,
        num_students=counts,
    )
    assert (np.diff(plan.loss) < 0).all()


def test_cheaper_teachers_make_better_students():
    law = presets.load("busbridge2025_consistent")
    losses = [
        distill(law, flops=1e22, num_student_params=1e9, scenario=scenario).loss
        for scenario in (
            FREE_TEACHER,
            Scenario(logits=0.5, pretraining=0.1),
            Scenario(logits=0.5, pretraining=0.5),
            TEACHER_PRETRAINING_AND_INFERENCE,
        )
    ]
    assert losses == sorted(losses)


def test_free_tokens_run_to_their_bound():
    law = presets.load("busbridge2025_consistent")
    plan = distill(law, flops=1e22, num_student_params=1e9, scenario=TEACHER_INFERENCE)
    assert plan.num_teacher_tokens == 1e17
    assert plan.active_bounds.num_teacher_tokens == 1
    assert plan.status == Status.ON_BOUND


def test_a_free_teacher_has_a_loss_and_no_size():
    law = presets.load("busbridge2025_consistent")
    plan = distill(law, flops=1e22, num_student_params=1e9, scenario=FREE_TEACHER)
    assert np.isnan([plan.num_teacher_params, plan.num_teacher_tokens]).all()
    np.testing.assert_allclose(plan.num_student_tokens, 1e22 / 6e9, rtol=1e-12)


def test_serving_beyond_the_budget_is_infeasible():
    law = presets.load("busbridge2025_consistent")
    plan = distill(
        law,
        flops=1e20,
        num_student_params=1e9,
        scenario=FREE_TEACHER,
        num_inference_tokens=[0, 1e12],
    )
    assert plan.status.tolist() == [Status.CONVERGED, Status.INFEASIBLE]
    assert np.isnan(plan.loss[1])


def test_misuse_is_named():
    law = presets.load("busbridge2025_consistent")
    with pytest.raises(TypeError, match="distillation law"):
        distill(
            presets.load("besiroglu2024"),
            flops=1e20,
            num_student_params=1e9,
            scenario=FREE_TEACHER,
        )
    with pytest.raises(TypeError, match="scenario must be a Scenario"):
        distill(law, flops=1e20, num_student_params=1e9, scenario="free")  # pyright: ignore
    scenario = Scenario(logits=1.5, pretraining=0)
    with pytest.raises(
        ValueError, match=r"share of the logits cost that is charged must lie in \[0, 1\]"
    ):
        distill(law, flops=1e20, num_student_params=1e9, scenario=scenario)
    with pytest.raises(ValueError, match="num_student_params must be positive"):
        distill(law, flops=1e20, num_student_params=0, scenario=FREE_TEACHER)
