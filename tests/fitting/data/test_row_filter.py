"""Expressions over columns: what they choose, and what they refuse."""

import numpy as np
import pytest

from fitting import Runs
from fitting.data.row_filter import matching
from fitting.data.run_sizes import extent

SIZES = np.array([1e8, 1e9, 7e9, 3e8, 2e9])
TOKENS = np.array([2e9, 3e11, 4e10, 9e10, 1e10])
LOSS = np.array([3.4, 2.5, 2.2, 2.7, 2.6])
MIX = np.array(["a", "b", "b", "", "1B"])


@pytest.fixture(scope="module")
def runs():
    return Runs.read(
        {
            "num_params": SIZES,
            "num_tokens": TOKENS,
            "loss": LOSS,
            "mix": MIX.tolist(),
            "lr peak": [1e-3, 2e-3, None, 4e-3, 5e-3],
        }
    )


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("loss < 2.6", LOSS < 2.6),
        ("2.5 <= loss < 2.7", (LOSS >= 2.5) & (LOSS < 2.7)),
        ("flops > 1e21 and num_params < 5e9", (6 * SIZES * TOKENS > 1e21) & (SIZES < 5e9)),
        ("not loss < 2.6", LOSS >= 2.6),
        ("num_tokens / num_params > 20", TOKENS / SIZES > 20),
        ("num_params >= 2B", SIZES >= 2e9),
        ("num_tokens < .04T or num_params == 300M", (TOKENS < 4e10) | (SIZES == 3e8)),
        ("-loss < -2.6 and loss ** 2 - 1 > 6.3", (LOSS > 2.6) & (LOSS**2 > 7.3)),
        ("mix == '1B'", MIX == "1B"),  # text is not a quantity
        ("mix in ('a', \"b\")", (MIX == "a") | (MIX == "b")),
        ("loss > 2.6 and (mix == 'b' or num_params in [1e8, 7e9])", SIZES == 1e8),
        ("`lr peak` > 1e-3", [False, True, False, True, True]),
        # What is missing is neither so nor otherwise.
        ("not `lr peak` > 1e-3", [True, False, False, False, False]),
        ("mix != 'a'", [False, True, True, False, True]),
        ("mix not in ('a', 'b')", [False, False, False, False, True]),
        ("`lr peak` > 1e-3 or loss < 2.3", [False, True, True, True, True]),
        ("not (`lr peak` > 1e-3 and loss < 9)", [True, False, False, False, False]),
        ("not (`lr peak` > 1e-3 and loss > 9)", [True, True, True, True, True]),
        ("loss < 9**9**9", np.isfinite(LOSS)),  # a float that overflows, at once
    ],
)
def test_what_an_expression_chooses(runs, expression, expected):
    assert matching(runs, expression).tolist() == list(expected)


@pytest.mark.parametrize(
    ("expression", "reported"),
    [
        ("los < 2", "no column 'los'.*did you mean 'loss'"),
        ("size < 2", "no column 'size'.*it has mix, lr peak, num_params, num_tokens, loss"),
        ("mix == b", "no column 'b'.*write text in quotes"),
        ("loss = 2", "equality is =="),
        ("loss", "where a comparison is expected"),
        ("loss + 1", "where a comparison is expected"),
        ("", "is not a valid expression"),
        ("loss <", "is not a valid expression"),
        ("loss < 2 & mix == 'a'", "write `and` or `or`"),
        ("(loss < 2) | (loss > 3)", "write `and` or `or`"),
        ("mix < 2", "column mix, which holds text such as.*quoted text"),
        ("mix == 2", "column mix, which holds text"),
        ("loss == '2.5'", "compares '2.5': text is compared with quoted text"),
        ("mix < 'b'", "by ==, != or in"),
        ("mix + 1 < 2", "arithmetic on mix, which is text"),
        ("mix in ()", "empty list"),
        ("loss is 2", "not supported"),
        ("loss in num_params", "not supported"),
        ("__import__('os').system('true') == 0", "not supported"),
        ("loss.real < 2", "not supported"),
        ("(lambda: 2)() < loss", "not supported"),
        ("[x for x in (1, 2)] == loss", "not supported"),
        ("loss[0] < 2", "not supported"),
        ("loss < 2j", "not supported"),
        ("not " * 240 + "loss < 2 + " * 2, "is not a valid expression"),
        ("loss < " + "-" * 980 + "2", "is not a valid expression"),
        ("loss < 2 or " * 100 + "loss < 2", "at most 1000 characters"),
        ("loss < 2\0", "is not a valid expression"),
    ],
)
def test_what_an_expression_is_not(runs, expression, reported):
    with pytest.raises(ValueError, match=reported):
        matching(runs, expression)


def test_compute_is_the_tables_own_where_it_tells():
    runs = Runs.read(
        {
            "num_params": SIZES,
            "num_tokens": TOKENS,
            "loss": LOSS,
            "flops": [1e20, None, *[3e20] * 3],
        }
    )
    expected = [1e20, 6 * SIZES[1] * TOKENS[1], 3e20, 3e20, 3e20]
    np.testing.assert_allclose(extent(runs, "flops"), expected, rtol=1e-12)
    assert matching(runs, "flops > 2e20").tolist() == [False, True, True, True, True]


def test_a_distilled_run_is_as_big_as_its_student():
    none = [None] * 5
    runs = Runs.read(
        {
            "num_params": [*SIZES, *none],
            "num_tokens": [*TOKENS, *none],
            "num_student_params": [*none, *SIZES],
            "num_student_tokens": [*none, *2 * TOKENS],
            "teacher_loss": [*none, 2.0, 2.0, 2.5, 2.5, 3.0],
            "loss": [*LOSS, *LOSS],
        }
    )
    np.testing.assert_array_equal(extent(runs, "num_params"), [*SIZES, *SIZES])
    expected = 6 * SIZES * TOKENS
    np.testing.assert_allclose(extent(runs, "flops"), [*expected, *2 * expected], rtol=1e-12)


def test_what_is_no_extent(runs):
    with pytest.raises(ValueError, match="flops, num_params, num_tokens"):
        extent(runs, "loss")
    with pytest.raises(ValueError, match="--column num_tokens=THEIR_NAME"):
        extent(Runs.read({"num_params": SIZES, "loss": LOSS}), "flops")
