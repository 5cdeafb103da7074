"""Fits whose starts, bootstrap draws and profiles are divided among several devices."""

import contextvars
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from jaxlaws.foundations.concurrency import mesh_of
from jaxlaws.precision import has_float64

_mesh: contextvars.ContextVar[Mesh | None] = contextvars.ContextVar("_mesh", default=None)


@contextmanager
def fits_on_devices(
    devices: Sequence[jax.Device] | Mesh | None = None,  # pyright: ignore[reportInvalidTypeForm]
) -> Iterator[None]:
    """Within this context, the minimisations of each fit are divided evenly among devices.

    These are the starts of `fit`, its bootstrap draws and jackknife, and the fits of `profile`,
    `k_fold` and all other functions of this package. Each device works on its own blocks of them
    and does not wait for the others. The numbers are those of one device. The broad search of laws
    without units, which precedes their fit, runs on one device.

    Args:
        devices: devices of this process, or a mesh of them. Default: all of this process.

    Raises:
        ValueError: there is no device, or one belongs to another process or has no float64.

    >>> import jax
    >>> from fitting import bundled_runs, fit
    >>> from jaxlaws.laws.chinchilla import Chinchilla
    >>> with fits_on_devices(jax.local_devices()):
    ...     result = fit(Chinchilla, bundled_runs("supervised"))
    >>> result.status.name
    'CONVERGED'
    """
    mesh = mesh_of(devices)
    platform = mesh.devices.flat[0].platform
    if not has_float64(platform):
        raise ValueError(
            f"fits need float64, which the platform {platform!r} has not: without this context the "
            "host's CPU computes them"
        )
    if mesh.size == 1:  # as without the context, with the threads of a CPU
        device = mesh.devices.item()
        is_default = device in jnp.zeros(()).devices()
        with nullcontext() if is_default else jax.default_device(device):
            yield
        return
    token = _mesh.set(mesh)
    try:
        yield
    finally:
        _mesh.reset(token)


def mesh_of_fits() -> Mesh | None:
    """The mesh of the context, or None."""
    return _mesh.get()
