"""The query string gives the state of a view; what it cannot be is said with the remedy."""

import json

import numpy as np
import pytest

from jaxlaws.cli.explorer.charts import Series, plain
from jaxlaws.cli.explorer.code_text import value
from jaxlaws.cli.explorer.controls import Choice, Option, Slider, state_of

SIZE = Slider(
    name="size", label="Size", help="…", default=1e9, low=1e6, high=1e12, unit="parameters"
)
KIND = Choice(
    name="kind",
    label="Kind",
    help="…",
    default="a",
    options=[Option(value=each, label=each) for each in "ab"],
)


@pytest.mark.parametrize(
    ("query", "state"),
    [
        ({}, {"size": 1e9, "kind": "a"}),
        ({"size": "3.5B"}, {"size": 3.5e9, "kind": "a"}),
        ({"size": "1.23456e7", "kind": "b"}, {"size": 1.23e7, "kind": "b"}),
    ],
)
def test_the_state_is_complete_and_rounded(query, state):
    assert state_of([SIZE, KIND], query) == state


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"size": "nan"}, "size"),
        ({"size": "1e99"}, "1e+12"),
        ({"size": "-1"}, "1e+06"),
        ({"size": "<script>"}, "is not a quantity"),
        ({"kind": "c"}, "choose one of a, b"),
        ({"other": "1"}, "size, kind"),
    ],
)
def test_a_wrong_value_names_the_place_and_the_remedy(query, named):
    with pytest.raises(ValueError, match=next(iter(query))) as error:
        state_of([SIZE, KIND], query)
    assert named in str(error.value)


@pytest.mark.parametrize("number", [1e21, 1.23e-5, 7e9, 0.35, 2.0, 123456.0, 1.234567890123e22])
def test_a_number_in_program_text_is_the_same_number(number):
    assert float(value(number)) == number


def test_charts_have_no_number_that_json_lacks():
    series = Series(name="a", role="train", x=np.array([1.0, np.inf]), y=np.array([np.nan, 2.0]))
    assert plain(series) == {
        "name": "a",
        "role": "train",
        "x": [1.0, None],
        "y": [None, 2.0],
        "style": "line",
    }
    assert json.loads(json.dumps(plain({"n": np.int64(3), "t": np.bool_(True)}))) == {
        "n": 3,
        "t": True,
    }
