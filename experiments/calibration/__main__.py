"""`python -m experiments.calibration`: fit many simulated tables, count what intervals hold."""

import dataclasses
from collections import defaultdict
from typing import Any

import click
import jax.numpy as jnp
import numpy as np

from fitting import FitResult, Huber, LogSquares, Runs, fit
from fitting.laplace import laplace
from fitting.profile_likelihood import profile
from fitting.quantiles import ends
from fitting.reporting import markdown_table
from jaxlaws import presets
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.supervised import Supervised
from jaxlaws.precision import float64

_LEVEL, _NOISE = 0.9, 5e-3
_COEFFICIENTS = ("E", "alpha", "beta")
_TABLE = tuple(
    axis.ravel() for axis in np.meshgrid(np.geomspace(1e8, 1e10, 10), np.geomspace(2e9, 3e11, 6))
)
_ASKED = {"inside": (1e9, 3e10), "beyond": (1e11, 3e12)}
_RESAMPLED = ("pairs", "wild", "parametric")


def truths(misspecified: bool) -> Any:
    """The law that runs are drawn from: Chinchilla's, or one with its sum to the power .45."""
    known = presets.load("besiroglu2024")
    if not misspecified:
        return known
    raised = {"A": known.A ** (1 / 0.45), "alpha": known.alpha / 0.45}
    raised |= {"B": known.B ** (1 / 0.45), "beta": known.beta / 0.45}
    return Supervised(E=known.E, gamma=0.45, **raised)


def quantities(law: Any) -> dict[str, Any]:
    """What intervals are asked for: coefficients, and losses inside and beyond the runs."""
    losses = {
        name: law.loss(num_params=jnp.asarray(size), num_tokens=jnp.asarray(tokens))
        for name, (size, tokens) in _ASKED.items()
    }
    return {name: getattr(law, name) for name in _COEFFICIENTS} | losses


def intervals(
    runs: Runs, objective: Any, draws: int, seed: int
) -> dict[str, dict[str, tuple[Any, Any]]]:
    """The interval of each quantity by each method."""
    options: dict[str, Any] = {"objective": objective, "num_starts": 16, "seed": seed}
    found: dict[str, dict[str, tuple[Any, Any]]] = {}
    first: FitResult | None = None
    for resample in _RESAMPLED:
        result = fit(
            Chinchilla,
            runs,
            bootstrap=draws,
            resample=resample,
            jackknife=first is None,
            **options,
        )
        first = result if first is None else first
        result = dataclasses.replace(result, jackknife=first.jackknife)
        for method in ("percentile", "bca"):
            low, high = result.interval_of(quantities, _LEVEL, method)
            found[f"{resample}, {method}"] = {key: (low[key], high[key]) for key in low}
    assert first is not None
    try:
        normal = laplace(first, runs, num_draws=2000, objective=objective, seed=seed)
        with float64():
            told = quantities(normal)
        found["Laplace"] = {key: ends(np.asarray(each), _LEVEL) for key, each in told.items()}
    except ValueError:  # the curvature leaves a direction open
        found["Laplace"] = {}
    found["profile"] = {
        name: profile(first, runs, name, objective=objective, level=_LEVEL).interval
        for name in _COEFFICIENTS
    }
    return found


def coverage(
    misspecified: bool, objective: Any, repetitions: int, draws: int
) -> dict[str, dict[str, float]]:
    """The share of repetitions whose interval holds the truth, by method and quantity."""
    law = truths(misspecified)
    with float64():
        clean = np.asarray(law.loss(num_params=_TABLE[0], num_tokens=_TABLE[1]))
        true = {name: float(value) for name, value in quantities(law).items()}
    held: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for seed in range(repetitions):
        noise = np.exp(_NOISE * np.random.default_rng(seed).normal(size=len(clean)))
        runs = Runs.read({"num_params": _TABLE[0], "num_tokens": _TABLE[1], "loss": clean * noise})
        for method, told in intervals(runs, objective, draws, seed).items():
            for name, value in true.items():
                low, high = told.get(name, (np.inf, -np.inf))
                held[method][name] += int(low <= value <= high)
        if seed % 25 == 24:
            click.echo(f"{seed + 1} of {repetitions}", err=True)
    return {
        method: {name: count / repetitions for name, count in counts.items()}
        for method, counts in held.items()
    }


@click.command()
@click.option("--repetitions", default=500, show_default=True)
@click.option("--draws", default=400, show_default=True, help="Replicates of each bootstrap.")
def main(repetitions: int, draws: int) -> None:
    """Coverage of 90% intervals on 60 simulated runs with half a per cent of noise."""
    for objective in (Huber(1e-3), LogSquares()):
        for misspecified in (False, True):
            # A wrong law has no true coefficients, but its predictions have true losses.
            names = [*_ASKED] if misspecified else [*_COEFFICIENTS, *_ASKED]
            told = coverage(misspecified, objective, repetitions, draws)
            rows = [
                [
                    method,
                    *(
                        "" if method == "profile" and n in _ASKED else f"{shares[n]:.3f}"
                        for n in names
                    ),
                ]
                for method, shares in told.items()
                if not (misspecified and method == "profile")
            ]
            kind = "gamma .45 fitted with gamma 1" if misspecified else "well specified"
            click.echo(f"\n{objective}, {kind}\n")
            click.echo(markdown_table(["method", *names], rows))


main()
