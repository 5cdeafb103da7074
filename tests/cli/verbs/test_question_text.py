"""A question as a text: the same number as the planning function gives, or an error in words."""

import click
import numpy as np
import pytest

from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.verbs.question_text import read_question
from jaxlaws.planning import TEACHER_INFERENCE, compare, compute_optimal
from jaxlaws.precision import float64

SOURCE = Source("busbridge2025_refit")
LAW = SOURCE.law


def value_of(text):
    quantity = read_question(text, SOURCE)
    with float64():
        return quantity, float(quantity.function(LAW))


@pytest.mark.parametrize(
    "text",
    [
        "plan train flops=1e21 : num_params",
        "jaxlaws plan train --flops 1e21 :num_params",
        "plan train flops=1e21 inference-tokens=0 flops_model=2n : num_params",
    ],
)
def test_a_size_is_a_logarithm(text):
    quantity, value = value_of(text)
    assert value == pytest.approx(np.log(compute_optimal(LAW, flops=1e21).num_params), rel=1e-12)
    assert (quantity.is_log, quantity.title) == (True, "parameters")


def test_losses_stay_as_they_are():
    """A law of distillation predicts with its supervised law where the text has a size."""
    expected = LAW.supervised.loss(num_params=1e9, num_tokens=2e10)
    assert value_of("predict params=1B num_tokens=20B : loss")[1] == pytest.approx(float(expected))
    taught = LAW.loss(num_student_params=1e9, num_student_tokens=2e10, teacher_loss=2.2)
    text = "predict student=1B tokens=20B teacher_loss=2.2 : loss"
    assert value_of(text)[1] == pytest.approx(float(taught))


def test_a_difference_of_two_numbers():
    text = "plan compare flops=1e23 student=1B scenario=inference : overtrain.loss - distil.loss"
    quantity, value = value_of(text)
    options = compare(LAW, flops=1e23, num_student_params=1e9, scenario=TEACHER_INFERENCE).options
    assert value == pytest.approx(float(options.overtrain.loss - options.distil.loss), rel=1e-9)
    assert quantity.name == "options.overtrain.loss - options.distil.loss"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plan train flops=1e21", "write VERB OPTIONS : NAME"),
        ("plan tran flops=1e21 : loss", "no verb 'plan tran'; the verbs are plan train"),
        ("plan train flop=1e21 : loss", "no option 'flop'; it has flops, params"),
        ("plan train flops=-1 : loss", "'-1' must be above zero"),
        ("plan train : loss", "give a budget with --flops"),
        ("plan train flops=1e21 law=hoffmann2022 : loss", "leave out --law"),
        ("plan train flops=1e21 --json : loss", "leave out --json"),
        ("plan train flops=1e21 : los", "no number 'los'; name one of flops, loss"),
        ("plan train flops=1e21 : loss[0]", "loss is not one number"),
        ("plan train flops=1e21 : loss - num_params", "name two numbers of one kind"),
        ("plan train 'flops=1e21 : loss", "No closing quotation"),
        ("predict params=1B : loss", "lacks --tokens"),
    ],
)
def test_mistakes_are_explained(text, message):
    with pytest.raises(click.UsageError) as error:
        read_question(text, SOURCE)
    assert message in error.value.format_message()
    assert error.value.format_message().startswith("--on ")
