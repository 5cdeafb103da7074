"""`docs/claims.md` has the numbers that the planner computes."""

import pytest

from experiments.paper.__main__ import CLAIMS, PAGE, claims_table, page


def test_a_row_of_the_page_is_what_is_computed():
    computed = claims_table(CLAIMS[:1]).splitlines()
    assert computed[-1] in PAGE.read_text(encoding="utf-8").splitlines()
    # Known from the closed form of the law, for coefficients as printed.
    assert "| within 0.77% | within 0.77% | within 7.01% |" in computed[-1]


@pytest.mark.slow
def test_the_whole_page_is_what_is_computed():
    assert page() == PAGE.read_text(encoding="utf-8")
