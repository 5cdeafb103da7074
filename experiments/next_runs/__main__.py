"""Designs of further runs in simulation: how well the planned size at 1e24 FLOPs is known.

    python -m experiments.next_runs [REPETITIONS]

The truth is drawn around each of three presets. Twelve small runs are known; then eight more are
trained at the same total cost, chosen by `next_runs`, as two IsoFLOP profiles, or at random. All
losses have a noise of 0.5%. The command prints the variance of the logarithm of the planned size
around that of the truth, and how often the 90% interval contains the truth.
"""

import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

from fitting import LogSquares, Runs, fit, next_runs
from fitting.design.plan_regret import planned_size
from fitting.minimiser.descent import descend
from fitting.problem.batched_problem import Batch, BatchedProblem
from fitting.problem.centring import uncentre
from fitting.problem.parameters import Parameters
from jaxlaws import presets
from jaxlaws.foundations.annotations import Array
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.precision import float64

PRESETS = ("besiroglu2024", "hoffmann2022", "muennighoff2023")
NOISE = 0.005
PLAN = 1e24
NUM_RUNS = 8
BUDGET = 3e20
SIZES = np.tile(np.geomspace(2e7, 3e8, 4), 3)
TOKENS = SIZES * np.repeat([8.0, 25.0, 80.0], 4)
BOUNDS = {"num_params": (1e7, 3e9), "num_tokens": (1e8, 3e11)}
ANY_RATIO = {"tokens_per_param": (1e8 / 3e9, 3e11 / 1e7)}  # the law holds for all ratios here
_STEPS = 100
_QUANTILE = {12 - 5: 1.895, 20 - 5: 1.753}  # of Student's t, for 90%


def truth_near(preset: str, random: np.random.Generator) -> Chinchilla:
    """A law whose coefficients differ from those of a preset by some per cent."""
    law = presets.load(preset)
    names = ("E", "A", "alpha", "B", "beta")
    spread = {"E": 0.05, "A": 0.1, "alpha": 0.03, "B": 0.1, "beta": 0.03}
    return Chinchilla(
        **{n: float(getattr(law, n)) * np.exp(spread[n] * random.normal()) for n in names}
    )


def isoflop_runs(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two profiles of four sizes around twenty tokens for each parameter, of the same cost."""
    budgets = np.repeat([BUDGET / 20, BUDGET * 4 / 20], 4)
    best = np.sqrt(budgets / 6 / 20)
    sizes = best * np.tile(np.geomspace(0.35, 2.8, 4), 2) * np.exp(0.05 * random.normal())
    return sizes, budgets / 6 / sizes


def random_runs(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sizes and tokens spread evenly by their logarithms, with tokens scaled to the cost."""
    low, high = (np.log([BOUNDS[name][end] for name in BOUNDS]) for end in (0, 1))
    sizes, tokens = np.exp(random.uniform(low, high, size=(NUM_RUNS, 2))).T
    return sizes, tokens * BUDGET / np.sum(6 * sizes * tokens)


@jax.jit
def fitted(sizes: Array, tokens: Array, losses: Array, start: Chinchilla) -> tuple[Array, Array]:
    """The planned size by the fit to some runs, and its standard deviation.

    The fit starts from the truth, so that it ends at the lowest minimum.
    """
    scales = {
        "num_params": jnp.exp(jnp.mean(jnp.log(sizes))),
        "num_tokens": jnp.exp(jnp.mean(jnp.log(tokens))),
    }
    problem = BatchedProblem(
        Parameters.of(Chinchilla, {}),
        LogSquares(),
        {"num_params": sizes / scales["num_params"], "num_tokens": tokens / scales["num_tokens"]},
        losses,
        scales,
    )
    vector = problem.parameters.vector(start, scales)
    batch = Batch(vector[None], jnp.ones((1, len(losses))), {})
    point = descend(problem, batch, _STEPS, 1)

    def size(vector: Array) -> Array:
        law = uncentre(problem.parameters.law(vector, {}, scales), scales)
        return planned_size(PLAN)(law)

    slope, jacobian = jax.grad(size)(point.vectors[0]), point.jacobians[0]
    residuals = point.residuals[0]
    variance = jnp.sum(jnp.square(residuals)) / (len(losses) - len(vector))
    spread = slope @ jnp.linalg.solve(jacobian @ jacobian.T, slope)
    return size(point.vectors[0]), jnp.sqrt(variance * spread)


def main() -> None:
    """Print the variances and the coverage for each preset and design."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for preset in PRESETS:
        errors: dict[str, list[float]] = {}
        inside: dict[str, list[bool]] = {}
        begin = time.perf_counter()
        for seed in range(repetitions):
            random = np.random.default_rng(seed)
            truth = truth_near(preset, random)
            first = noisy(truth, SIZES, TOKENS, random)
            runs = Runs.read({"num_params": SIZES, "num_tokens": TOKENS, "loss": first})
            result = fit(Chinchilla, runs, objective=LogSquares(), num_starts=16)
            found = next_runs(
                result,
                runs,
                flops=BUDGET,
                quantity=planned_size(PLAN),
                num_runs=NUM_RUNS,
                bounds=BOUNDS | ANY_RATIO,
                largest_run=BUDGET / 4,
            )
            designs = {
                "before": (np.zeros(0), np.zeros(0)),
                "next_runs": (found.inputs["num_params"], found.inputs["num_tokens"]),
                "isoflop": isoflop_runs(random),
                "random": random_runs(random),
            }
            for name, (sizes, tokens) in designs.items():
                more = noisy(truth, sizes, tokens, random)
                every = (np.append(SIZES, sizes), np.append(TOKENS, tokens))
                with float64():
                    value, sd = fitted(*every, np.append(first, more), truth)
                    error = float(value) - float(planned_size(PLAN)(truth))
                quantile = _QUANTILE[len(every[0]) - 5]
                errors.setdefault(name, []).append(error)
                inside.setdefault(name, []).append(abs(error) <= quantile * float(sd))
        ours = np.nanmean(np.square(errors["next_runs"]))
        for name, each in errors.items():
            squares = np.square(each)
            print(
                f"{preset:16} {name:10} variance {np.nanmean(squares):.4g} (median of squares "
                f"{np.nanmedian(squares):.3g}), {ours / np.nanmean(squares):.2f} of it by "
                f"next_runs; 90% interval contains the truth {np.mean(inside[name]):.0%}",
                flush=True,
            )
        print(f"{repetitions} repetitions, {time.perf_counter() - begin:.0f} s", flush=True)


def noisy(law: Chinchilla, sizes: Array, tokens: Array, random: np.random.Generator) -> np.ndarray:
    """Losses of runs with noise."""
    exact = np.asarray(law.loss(num_params=sizes, num_tokens=tokens))
    return exact * np.exp(NOISE * random.normal(size=len(sizes)))


if __name__ == "__main__":
    main()
