"""Time and money on a cluster, against computations by hand and a simulation of the steps."""

import dataclasses

import jax
import numpy as np
import pytest

from jaxlaws import presets
from jaxlaws.compute import training_flops, transformer_forward_flops
from jaxlaws.planning import (
    Cluster,
    Costs,
    Hardware,
    Status,
    compute_optimal,
    decoding_hardware,
    serve,
)

LAW = presets.load("besiroglu2024")
DEVICE = Hardware(dollars_per_hour=2.0, flops_per_second=1e15, utilisation=0.4)
CLUSTER = Cluster(
    hardware=DEVICE, num_devices=256.0, tokens_per_step=2e6, bytes_per_second=5e10, exposed=0.5
)


def seconds_of_steps(cluster, num_params, num_tokens):
    """Add up the steps of a run: computing, then a ring all-reduce of 16-bit gradients.

    In a ring of n devices, each device sends 1/n of the gradients n - 1 times to sum them, and
    n - 1 times to spread the sums.
    """
    n, seconds = int(cluster.num_devices), 0.0
    for _ in range(int(num_tokens / cluster.tokens_per_step)):
        tokens = cluster.tokens_per_step / n
        seconds += 6 * num_params * tokens / (0.4 * 1e15)
        sent = 2 * (n - 1) * (2 * num_params / n)
        seconds += 0.5 * sent / cluster.bytes_per_second
    return seconds


def test_a_run_takes_as_long_as_its_steps():
    num_params, num_tokens = 7e9, 2e9
    flops = training_flops(num_params=num_params, num_tokens=num_tokens)
    seconds = seconds_of_steps(CLUSTER, num_params, num_tokens)
    np.testing.assert_allclose(CLUSTER.days(flops) * 86_400, seconds, rtol=1e-12)
    dollars = 256 * seconds / 3600 * 2.0
    np.testing.assert_allclose(CLUSTER.dollars(flops), dollars, rtol=1e-12)


def test_one_device_and_hidden_communication_have_the_utilisation_of_the_device():
    alone = Cluster(hardware=DEVICE, num_devices=1, tokens_per_step=1e5, bytes_per_second=1e9)
    assert alone.utilisation == pytest.approx(0.4, rel=1e-15)
    # 0.4e15 FLOPs a second for a day of 86,400 s.
    assert alone.days(3.456e19) == pytest.approx(1.0, rel=1e-12)
    assert alone.dollars(3.456e19) == pytest.approx(48.0, rel=1e-12)
    hidden = Cluster(
        hardware=DEVICE, num_devices=512, tokens_per_step=1e6, bytes_per_second=1e9, exposed=0.0
    )
    assert hidden.utilisation == pytest.approx(0.4, rel=1e-15)


def test_the_number_of_devices_for_a_deadline_is_met_exactly():
    flops, days = 3e23, np.array([30.0, 60.0, 1e6])
    count = CLUSTER.devices_for(flops, days)
    assert count[2] == 1.0  # one device has the time
    for each, wanted in zip(count[:2], days, strict=False):
        there = Cluster(
            hardware=DEVICE, num_devices=each, tokens_per_step=2e6, bytes_per_second=5e10,
            exposed=0.5,
        )  # fmt: skip
        np.testing.assert_allclose(there.days(flops), wanted, rtol=1e-12)


def test_no_more_devices_than_there_are():
    there = dataclasses.replace(CLUSTER, max_num_devices=256)
    assert there.days(1e23) == CLUSTER.days(1e23)
    # As many as there are meet the deadline of 256 devices, and no shorter one.
    days = CLUSTER.days(3e23) * np.array([1 - 1e-9, 1 + 1e-9])
    count = there.devices_for(3e23, days)
    assert np.isnan(count[0])
    assert count[1] == pytest.approx(256, rel=1e-6)
    more = dataclasses.replace(there, num_devices=np.array([256.0, 300.0]))
    for use in (
        lambda: more.utilisation,
        lambda: more.days(1e23),
        lambda: more.dollars(1e23),
        lambda: more.limit_on_days(30.0),
    ):
        with pytest.raises(ValueError, match=r"num_devices 300 is larger than max_num_devices 256"):
            use()
    traced = jax.jit(lambda each: each.days(1e23))(more)
    np.testing.assert_allclose(traced, [CLUSTER.days(1e23), np.nan], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("num_devices", 0.0, "num_devices must be at least 1, got 0"),
        ("num_devices", np.nan, "num_devices must be at least 1, got nan"),
        ("tokens_per_step", -1.0, "tokens_per_step must be positive and finite, got -1"),
        ("bytes_per_second", np.nan, "bytes_per_second must be positive and finite, got nan"),
        ("exposed", 30.0, "exposed must be at most 1, got 30"),
        (
            "hardware",
            dataclasses.replace(DEVICE, utilisation=40.0),
            r"hardware\.utilisation must be",
        ),
        ("hardware", 2.0, "hardware must be a Hardware, got 2.0"),
    ],
)
def test_numbers_in_another_unit_are_an_error(name, value, message):
    wrong = dataclasses.replace(CLUSTER, **{name: value})
    with pytest.raises((ValueError, TypeError), match=message):
        wrong.days(1e24)
    if name == "num_devices":
        assert np.isnan(jax.jit(lambda each: each.days(1e24))(wrong))
    else:
        with pytest.raises((ValueError, TypeError), match=message):
            wrong.devices_for(1e24, 30.0)


def test_generation_needs_a_memory_and_a_batch():
    with pytest.raises(ValueError, match="batch must be positive and finite, got 0"):
        decoding_hardware(DEVICE, bytes_per_second=3e12, batch=0.0)


def test_communication_sets_a_shortest_time():
    # 0.5 * 4 bytes / (6 * 2e6 tokens * 5e10 bytes per second) for each FLOP, 1e24 FLOPs.
    shortest = 0.5 * 4 / (6 * 2e6 * 5e10) * 1e24 / 86_400
    count = CLUSTER.devices_for(1e24, np.array([0.99, 1.01]) * shortest)
    assert np.isnan(count[0])
    assert count[1] > 1e4


def test_prices_of_a_cluster_are_prices_of_a_plan():
    cost = Costs.in_dollars(training=CLUSTER.training)
    plan = compute_optimal(LAW, flops=1e6, cost=cost)
    flops = training_flops(num_params=plan.num_params, num_tokens=plan.num_tokens)
    np.testing.assert_allclose(CLUSTER.dollars(flops), 1e6, rtol=1e-9)
    same = compute_optimal(LAW, flops=1e6 / CLUSTER.training.dollars_per_flop)
    np.testing.assert_allclose(plan.loss, same.loss, rtol=1e-12)


def test_a_plan_keeps_a_deadline():
    limits = {"days": CLUSTER.limit_on_days(np.array([10.0, 1e6]))}
    plan = compute_optimal(LAW, flops=1e24, limits=limits)
    assert plan.status.tolist() == [Status.BUDGET_UNSPENT, Status.CONVERGED]
    np.testing.assert_allclose(CLUSTER.days(plan.flops[0]), 10.0, rtol=1e-8)
    free = compute_optimal(LAW, flops=plan.flops[0])
    np.testing.assert_allclose(plan.loss[0], free.loss, rtol=1e-10)


def test_a_deadline_counts_the_flops_of_the_question():
    limit = CLUSTER.limit_on_days(1.0, forward_flops=transformer_forward_flops)
    days = limit.quantity(num_params=1e9, num_tokens=1e10, teacher_loss=2.0)
    flops = training_flops(num_params=1e9, num_tokens=1e10, forward_flops=transformer_forward_flops)
    np.testing.assert_allclose(days, CLUSTER.days(flops), rtol=1e-12)


def test_the_loss_has_derivatives_by_the_hardware(x64):
    def loss(cluster):
        return compute_optimal(
            LAW, flops=1e6, cost=Costs.in_dollars(training=cluster.training)
        ).loss

    slopes = jax.grad(loss)(jax.tree.map(np.float64, CLUSTER))
    for name in ("bytes_per_second", "num_devices", "tokens_per_step", "exposed"):
        value, step = getattr(CLUSTER, name), 1e-4
        ends = [
            float(loss(CLUSTER.__class__(**{**vars(CLUSTER), name: value * (1 + sign * step)})))
            for sign in (-1, 1)
        ]
        slope = (ends[1] - ends[0]) / (2 * step * value)
        np.testing.assert_allclose(getattr(slopes, name), slope, rtol=1e-5, err_msg=name)
    assert slopes.bytes_per_second < 0 < slopes.num_devices


def test_generating_reads_all_weights_for_each_token_of_the_batch():
    num_params, memory = 7e9, 3e12
    for batch in (1.0, 8.0, 1000.0):
        slow = decoding_hardware(DEVICE, bytes_per_second=memory, batch=batch)
        reading, computing = 2 * num_params / memory, batch * 2 * num_params / 0.4e15
        dollars = max(reading, computing) / batch * 2.0 / 3600  # of a token
        np.testing.assert_allclose(2 * num_params * slow.dollars_per_flop, dollars, rtol=1e-12)


def test_slow_generation_makes_the_planned_model_smaller():
    inputs = {"num_inference_tokens": 1e13, "flops": 1e7}
    sizes = []
    for batch in (1000.0, 8.0):
        serving = decoding_hardware(DEVICE, bytes_per_second=3e12, batch=batch)
        cost = Costs.in_dollars(training=CLUSTER.training, serving=serving)
        sizes.append(serve(LAW, cost=cost, **inputs).num_params)
    assert sizes[1] < 0.8 * sizes[0]
