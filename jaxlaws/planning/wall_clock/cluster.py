"""Training on many devices: how long it takes, what it costs, and how many devices are worth it.

The models are simple: every number in them can be measured on a short run. They are good for a
first plan, not for the choice between two ways to parallelise. Expect errors of some ten per cent
at best, and more where pipelines, experts or uneven networks matter.
"""

import math

import numpy as np

from jaxlaws.compute import ForwardFlops, dense_forward_flops, training_flops
from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.engine.checks import callable_tree
from jaxlaws.planning.engine.costs import Hardware, check_hardware, check_numbers
from jaxlaws.planning.engine.limits import Limit
from jaxlaws.precision import array_module
from jaxlaws.pytree import pytree

_SECONDS_PER_DAY = 86_400.0
_FLOPS_PER_PARAM = 6.0  # of training, per token


@pytree
class Cluster:
    """Devices that train one model with data parallelism, with or without sharded parameters.

    In each step every device computes its share of the tokens and exchanges `bytes_per_param` bytes
    for each parameter. With `6 N` FLOPs per token, computing `C` FLOPs on n devices takes

        C / (n peak utilisation) + exposed C (1 - 1/n) bytes_per_param / (6 tokens_per_step rate)

    seconds, where `rate` is `bytes_per_second`. The second part is the communication that is not
    hidden behind computation. Both parts grow with N D, so their ratio, and the utilisation that
    remains, is the same for every size. Longer steps (more `tokens_per_step`) communicate less
    often. Pipelines, tensor parallelism, restarts and evaluation are not in the model.

    Attributes:
        hardware: one device, with the utilisation that it reaches without communication.
        num_devices: number n of devices, at least 1.
        tokens_per_step: tokens of one optimiser step, over all devices.
        bytes_per_second: what one device sends per second.
        bytes_per_param: what one device sends for each parameter and step. 4: a ring all-reduce of
            gradients in 16 bits (each byte is sent twice). 6: sharded parameters in 16 bits, which
            are gathered twice, and whose gradients are scattered once.
        exposed: the fraction of the communication that is not hidden behind computation, 0 to 1.
            The default is the worst case.
        max_num_devices: the most devices that you can have. `devices_for` gives NaN where a
            deadline needs more, and `num_devices` may not be larger.

    Raises:
        ValueError: a number is not positive and finite, `exposed` or a utilisation is above 1, or
            `num_devices` is below 1 or larger than `max_num_devices`. Inside a trace the
            utilisation, and what follows from it, is NaN where there are not so many devices; other
            traced numbers are not checked. JAX makes trees without checks, so the error comes from
            the properties and methods that use the numbers.

    >>> device = Hardware(dollars_per_hour=2.0, flops_per_second=1e15, utilisation=0.45)
    >>> fast = Cluster(
    ...     hardware=device, num_devices=1024, tokens_per_step=4e6, bytes_per_second=5e10
    ... )
    >>> f"{fast.utilisation:.0%} of the peak; 1e24 FLOPs take {fast.days(1e24):.1f} days"
    '18% of the peak; 1e24 FLOPs take 63.7 days'
    """

    hardware: Hardware
    num_devices: Array
    tokens_per_step: Array
    bytes_per_second: Array
    bytes_per_param: Array = 4.0
    exposed: Array = 1.0
    max_num_devices: Array = math.inf

    @property
    def utilisation(self) -> Array:
        """The fraction of the peak of all devices that training reaches."""
        others = self._available_devices - 1
        waiting = self._seconds_per_flop * others * self.hardware.flops_per_second
        return 1 / (1 / self.hardware.utilisation + waiting)

    @property
    def training(self) -> Hardware:
        """One device with this utilisation, for `Costs.in_dollars(training=...)`."""
        return Hardware(
            dollars_per_hour=self.hardware.dollars_per_hour,
            flops_per_second=self.hardware.flops_per_second,
            utilisation=self.utilisation,
        )

    def days(self, flops: Array) -> Array:
        """The days that a number of FLOPs of training takes on all devices."""
        per_second = self.utilisation * self.num_devices * self.hardware.flops_per_second
        return flops / per_second / _SECONDS_PER_DAY

    def dollars(self, flops: Array) -> Array:
        """The price of a number of FLOPs of training."""
        return flops * self.training.dollars_per_flop

    def devices_for(self, flops: Array, days: Array) -> Array:
        """The number of devices with which a number of FLOPs takes some days; not rounded.

        It is NaN where no number of devices is fast enough, because communication alone takes as
        long, and where more than `max_num_devices` are needed. `num_devices` is not used.
        """
        self._check()
        xp = array_module(flops, days, self)
        alone = flops / (self.hardware.flops_per_second * self.hardware.utilisation)
        least = flops * self._seconds_per_flop  # with ever more devices
        left = days * _SECONDS_PER_DAY - least
        count = (alone - least) / xp.where(left > 0, left, 1.0)
        is_possible = (left > 0) & (count <= self.max_num_devices)
        return xp.where(is_possible, xp.maximum(count, 1.0), np.nan)[()]

    def limit_on_days(
        self, days: Array, *, forward_flops: ForwardFlops = dense_forward_flops
    ) -> Limit:
        """A limit on the time of training one model, for `limits=` of a question.

        Args:
            days: the longest time, broadcast with the budget.
            forward_flops: forward FLOPs per token, as the question has it.

        Raises:
            ValueError: as for the class.

        >>> from jaxlaws import presets
        >>> from jaxlaws.planning import compute_optimal
        >>> device = Hardware(dollars_per_hour=2.0, flops_per_second=1e15, utilisation=0.45)
        >>> cluster = Cluster(
        ...     hardware=device, num_devices=512, tokens_per_step=4e6, bytes_per_second=5e10
        ... )
        >>> law, limits = presets.load("besiroglu2024"), {"days": cluster.limit_on_days(30)}
        >>> plan = compute_optimal(law, flops=1e25, limits=limits)
        >>> f"{plan.flops:.3g} FLOPs, {cluster.days(plan.flops):.1f} days"
        '3.38e+23 FLOPs, 30.0 days'
        """
        _ = self._available_devices
        return Limit(TrainingDays(cluster=self, forward_flops=callable_tree(forward_flops)), days)

    @property
    def _available_devices(self) -> Array:
        """`num_devices`, checked; NaN inside a trace where there are not so many."""
        self._check()
        xp = array_module(self)
        is_available = (self.num_devices >= 1) & (self.num_devices <= self.max_num_devices)
        if xp is np and not np.all(self.num_devices >= 1):  # or NaN
            raise ValueError(f"num_devices must be at least 1, got {np.min(self.num_devices):g}")
        if xp is np and not np.all(is_available):
            raise ValueError(
                f"num_devices {np.max(self.num_devices):g} is larger than max_num_devices "
                f"{np.min(self.max_num_devices):g}: use fewer devices, or a longer time; "
                "devices_for(flops, days) gives the number that a deadline needs"
            )
        return xp.where(is_available, self.num_devices, np.nan)[()]

    def _check(self) -> None:
        check_hardware("hardware", self.hardware)
        names = ("tokens_per_step", "bytes_per_second", "bytes_per_param", "exposed")
        numbers = {name: getattr(self, name) for name in names}
        check_numbers(numbers, may_be_zero=("exposed",), at_most_one="exposed")

    @property
    def _seconds_per_flop(self) -> Array:
        """Communication that nothing hides, for each FLOP of all devices, with many devices."""
        sent = self.exposed * self.bytes_per_param / (_FLOPS_PER_PARAM * self.tokens_per_step)
        return sent / self.bytes_per_second


@pytree
class TrainingDays:
    """The days of training one model, as a function of its size and tokens."""

    cluster: Cluster
    forward_flops: ForwardFlops

    def __call__(self, *, num_params: Array, num_tokens: Array, **_: Array) -> Array:
        """Days on the devices of the cluster."""
        flops = training_flops(
            num_params=num_params, num_tokens=num_tokens, forward_flops=self.forward_flops
        )
        return self.cluster.days(flops)


def decoding_hardware(
    hardware: Hardware,
    *,
    bytes_per_second: Array,
    batch: Array,
    bytes_per_weight: Array = 2.0,
) -> Hardware:
    """A device that generates tokens one after the other, for `Costs.in_dollars(serving=...)`.

    Each step reads all weights once and computes `2 N` FLOPs for each sequence of the batch. What
    takes longer decides (the roofline model). The cache of keys and values, the prompt and waiting
    are not in the model.

    Args:
        hardware: the device, with the utilisation that it reaches when computing decides.
        bytes_per_second: what the device reads from its memory per second.
        batch: sequences that are generated together.
        bytes_per_weight: 2 for weights in 16 bits.

    Returns:
        The device with the utilisation of decoding, which is the same for every size.

    Raises:
        TypeError: the device is not a `Hardware`.
        ValueError: a number is not positive and finite, or the utilisation is above 1.

    >>> device = Hardware(dollars_per_hour=2.0, flops_per_second=1e15, utilisation=0.45)
    >>> f"{decoding_hardware(device, bytes_per_second=3e12, batch=32).utilisation:.1%}"
    '9.6%'
    """
    check_hardware("hardware", hardware)
    check_numbers(
        {"bytes_per_second": bytes_per_second, "batch": batch, "bytes_per_weight": bytes_per_weight}
    )
    reading = 2.0 * batch * bytes_per_second / (bytes_per_weight * hardware.flops_per_second)
    xp = array_module(reading, hardware)
    return Hardware(
        dollars_per_hour=hardware.dollars_per_hour,
        flops_per_second=hardware.flops_per_second,
        utilisation=xp.minimum(hardware.utilisation, reading),
    )
