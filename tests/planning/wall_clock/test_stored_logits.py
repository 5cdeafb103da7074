"""Stored logits against logits that are computed again, with numbers worked out by hand."""

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.planning import Costs, StoredLogits, distill_with

COST = Costs(training=1e-18, logits=2e-18, token=1e-8)
STORED = StoredLogits(
    entries_per_token=64.0, dollars_per_byte=1e-10, dollars_per_byte_read=2e-11, bytes_per_entry=4.0
)
TEACHER = {"num_teacher_params": 7e9, "teacher_loss": 2.1, "num_student_params": 1e9}


def test_the_price_of_storing():
    # 256 bytes a token, 1e12 tokens: 256 TB. 25,600 dollars, and 5,120 for each reading.
    assert STORED.bytes_per_token == 256
    assert STORED.dollars(num_tokens=1e12, uses=3) == pytest.approx(25_600 + 3 * 5_120)


def test_from_the_break_even_on_storing_is_cheaper():
    uses = STORED.uses_that_pay(COST, num_teacher_params=7e9)
    num_tokens = 1e12
    computing = 2e-18 * 2 * 7e9 * num_tokens  # once
    storing = computing + STORED.dollars(num_tokens=num_tokens, uses=uses)
    np.testing.assert_allclose(uses * computing, storing, rtol=1e-12)
    assert 1 < uses < 10
    small = STORED.uses_that_pay(COST, num_teacher_params=np.array([1e6, 7e9]))
    assert small.tolist() == [np.inf, uses]


def test_students_that_share_stored_logits_spend_what_storing_costs():
    uses = 8.0
    plan = distill_with(
        presets.load("busbridge2025_refit"), flops=2e4, cost=STORED.in_costs(COST, uses=uses),
        **TEACHER,
    )  # fmt: skip
    tokens = plan.num_student_tokens
    training = 1e-18 * 6 * 1e9 * tokens
    logits = 2e-18 * 2 * 7e9 * tokens / uses
    stored = STORED.dollars(num_tokens=tokens, uses=uses) / uses
    np.testing.assert_allclose(training + logits + stored + 1e-8 * tokens, 2e4, rtol=1e-9)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: StoredLogits(entries_per_token=-5.0, dollars_per_byte=1e-10).bytes_per_token,
            "ent",
        ),
        (lambda: STORED.dollars(num_tokens=1e12, uses=0.0), "uses must be positive and finite"),
        (lambda: STORED.in_costs(COST, uses=np.nan), "uses must be positive and finite, got nan"),
        (
            lambda: STORED.uses_that_pay(Costs(logits=-1.0), num_teacher_params=7e9),
            r"cost\.logits must not be negative",
        ),
    ],
)
def test_numbers_that_make_no_sense_are_an_error(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()


def test_the_price_has_derivatives():
    def dollars(stored):
        return stored.in_costs(COST, uses=4.0).token

    slopes = jax.grad(dollars)(STORED)
    np.testing.assert_allclose(slopes.dollars_per_byte, 256 / 4, rtol=1e-6)
    np.testing.assert_allclose(slopes.dollars_per_byte_read, 256, rtol=1e-6)
