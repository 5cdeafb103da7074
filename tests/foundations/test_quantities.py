import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxlaws.foundations.quantities import format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e22", 1e22), ("1B", 1e9), ("20T", 2e13), ("3.5e9", 3.5e9), (" 300 m ", 3e8),
        ("1_000", 1e3), (".5k", 500.0), ("-2", -2.0), ("0", 0.0), ("7G", 7e9), ("1.", 1.0),
    ],
)  # fmt: skip
def test_what_people_write(text, value):
    assert parse_quantity(text) == value


@pytest.mark.parametrize(
    "text", ["", "B", "1Q", "1BB", "nan", "inf", "1,000", "1e", "ten", "1e5x9"]
)
def test_what_is_no_quantity(text):
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)


@given(st.floats(min_value=1e-3, max_value=1e30))
def test_what_is_written_reads_back(value):
    assert math.isclose(parse_quantity(format_quantity(value)), value, rel_tol=5.1e-3)


@pytest.mark.parametrize(
    ("value", "text"),
    [(999_999, "1M"), (999, "999"), (9.999e14, "1e15"), (0, "0"), (1.234e-4, "0.000123")],
)
def test_how_it_is_rounded(value, text):
    assert format_quantity(value) == text
