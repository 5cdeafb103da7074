"""Work side by side: in order, in float64, with its caller's device, and errors come through."""

import threading

import jax
import jax.numpy as jnp
import pytest

from jaxlaws.foundations.concurrency import side_by_side


def test_answers_come_in_the_order_of_the_items_from_more_than_one_thread(monkeypatch):
    monkeypatch.setattr("jaxlaws.foundations.concurrency._num_cores", lambda: 2)
    meeting = threading.Barrier(2, timeout=60)

    def work(item):
        if item:  # the first is done alone
            meeting.wait()
        return item, threading.get_ident()

    answers = side_by_side(work, range(5))
    assert [item for item, _ in answers] == list(range(5))
    assert len({thread for _, thread in answers}) > 1


def test_with_a_compiled_program_the_first_two_items_run_together(monkeypatch):
    monkeypatch.setattr("jaxlaws.foundations.concurrency._num_cores", lambda: 2)
    meeting = threading.Barrier(2, timeout=60)
    side_by_side(lambda _: meeting.wait(), range(2), is_compiled=True)  # alone, one would time out


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_item_is_worked_on_in_float64(count):
    assert side_by_side(lambda _: jnp.zeros(()).dtype, range(count)) == [jnp.dtype("f8")] * count


def test_the_callers_device_is_kept():
    device = jax.devices()[0]
    with jax.default_device(device):
        seen = side_by_side(lambda _: jax.config.jax_default_device, range(3))
    assert seen == [device] * 3


def test_an_error_comes_through():
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda item: 1 / (2 - item), range(5))
