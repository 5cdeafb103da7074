"""`python -m experiments.benchmarks.single_precision`: plans in a float32 program against float64.

Random problems of each kind of question: budgets of 1e17 to 1e27 FLOPs, all scenarios, serving up
to nearly the whole budget, and tokens that a cap keeps far below what the budget pays for. Each
kind is one program, `jit(vmap(...))` of a plan and of all derivatives of its loss and its sizes.
The reference is the same plan in float64 for the same inputs. With `--output` each finished block
is a line of a file, and a later call continues after it.
"""

import json
from collections.abc import Callable
from pathlib import Path

import click
import jax
import jax.numpy as jnp
import numpy as np

from jaxlaws import presets
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import (
    FREE_TEACHER,
    TEACHER_INFERENCE,
    TEACHER_PRETRAINING,
    TEACHER_PRETRAINING_AND_INFERENCE,
    Costs,
    Status,
    compute_optimal,
    distill,
    distill_family,
    distill_with,
    is_solved,
    serve,
    train_fixed,
    train_on_limited_data,
)

_BLOCK = 1000
_LAW = presets.load("busbridge2025_refit")
_REPEATED = presets.load("muennighoff2023")
# Dollars. Powers of two, with which the inputs of `_for_money` are exact in float32.
_PRICES = Costs(training=2.0**-59, serving=2.0**-57, logits=2.0**-58, token=2.0**-20)
_SCENARIOS = {
    "free": FREE_TEACHER,
    "inference": TEACHER_INFERENCE,
    "pretraining": TEACHER_PRETRAINING,
    "all": TEACHER_PRETRAINING_AND_INFERENCE,
}
# The inputs of all problems: budget, size, tokens that are served, and largest numbers of tokens
# and of parameters of the teacher.
_NAMES = ("flops", "size", "served", "tokens", "teacher")


def _distil(scenario: str) -> Callable[[dict[str, Array]], Tree]:
    return lambda given: distill(
        _LAW,
        flops=given["flops"],
        num_student_params=given["size"],
        num_inference_tokens=given["served"],
        scenario=_SCENARIOS[scenario],
        num_student_tokens_bounds=(1e3, given["tokens"]),
        num_teacher_params_bounds=(1e3, given["teacher"]),
    )


def _for_money(given: dict[str, Array]) -> Tree:
    return distill(
        _LAW,
        flops=_PRICES.training * given["flops"],
        num_student_params=given["size"],
        num_inference_tokens=given["served"] / 4,
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        num_student_tokens_bounds=(1e3, given["tokens"]),
        cost=_PRICES,
    )


def _any_size(given: dict[str, Array]) -> Tree:
    return distill(
        _LAW,
        flops=given["flops"],
        num_inference_tokens=given["served"],
        scenario=TEACHER_PRETRAINING_AND_INFERENCE,
        num_student_tokens_bounds=(1e3, given["tokens"]),
    )


def _family(scenario: str) -> Callable[[dict[str, Array]], Tree]:
    return lambda given: distill_family(
        _LAW,
        flops=given["flops"],
        num_student_params=[given["size"], 4 * given["size"]],
        weights=[0.4, 0.6],
        scenario=_SCENARIOS[scenario],
        num_student_tokens_bounds=(1e3, given["tokens"]),
        num_teacher_tokens_bounds=(1e3, given["tokens"]),
    )


_QUESTIONS: dict[str, Callable[[dict[str, Array]], Tree]] = {
    "compute_optimal": lambda given: compute_optimal(
        _LAW,
        flops=given["flops"],
        num_params_bounds=(1e3, given["teacher"]),
        num_tokens_bounds=(1e3, given["tokens"]),
    ),
    "train_fixed": lambda given: train_fixed(
        _LAW,
        num_params=given["size"],
        flops=given["flops"],
        num_inference_tokens=given["served"],
        num_tokens_bounds=(1e3, given["tokens"]),
    ),
    "train_on_limited_data": lambda given: train_on_limited_data(
        _REPEATED,
        flops=given["flops"],
        num_unique_tokens=given["tokens"],
        num_inference_tokens=given["served"],
    ),
    # A loss above the irreducible loss by 1 to 1e-3 nats.
    "serve at a loss": lambda given: serve(
        _LAW,
        target_loss=_LAW.supervised.E + 1e17**0.3 / given["flops"] ** 0.3,
        num_inference_tokens=given["served"],
    ),
    "serve within a budget": lambda given: serve(
        _LAW, flops=given["flops"], num_inference_tokens=given["served"]
    ),
    "distill_with": lambda given: distill_with(
        _LAW,
        flops=given["flops"],
        num_student_params=given["size"],
        teacher_loss=2.0,
        num_teacher_params=given["teacher"],
        num_inference_tokens=given["served"],
        num_student_tokens_bounds=(1e3, given["tokens"]),
    ),
    **{f"distill, {name}": _distil(name) for name in _SCENARIOS},
    "distill for money": _for_money,
    "distill, any size": _any_size,
    "distill_family, all": _family("all"),
    "distill_family, free": _family("free"),
}


def _sizes(plan: Tree) -> list[Array]:
    names = [
        name for name in vars(plan) if name.startswith("num_") and "student_params" not in name
    ]
    return [getattr(plan, name) for name in names]


def _answer(question: Callable[[dict[str, Array]], Tree], inputs: Array) -> tuple[Tree, Tree]:
    """The derivatives of the loss and of the logarithms of sizes; loss, these, and the status."""

    def values(inputs: Array) -> tuple[tuple[Array, Array], Tree]:
        plan = question(dict(zip(_NAMES, inputs, strict=True)))
        sizes = jnp.log(jnp.concatenate([jnp.ravel(size) for size in _sizes(plan)]))
        return (plan.loss, sizes), (plan.loss, sizes, plan.status)

    return jax.jacfwd(values, has_aux=True)(inputs)


def _problems(seed: int) -> np.ndarray:
    """Inputs in float32. A third has a large service, another third has scarce data."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, _BLOCK)
    flops, size = 10 ** random.uniform(17, 27, _BLOCK), 10 ** random.uniform(6.5, 11, _BLOCK)
    share = np.where(kind == 1, -np.expm1(-random.exponential(3, _BLOCK)), 1e-3)
    tokens = np.where(kind == 2, random.uniform(7, 12, _BLOCK), random.uniform(11, 17, _BLOCK))
    teacher = np.where(random.random(_BLOCK) < 0.5, 16, random.uniform(7, 13, _BLOCK))
    inputs = [flops, size, share * flops / (2 * size), 10**tokens, 10**teacher]
    return np.stack(inputs, axis=1).astype(np.float32)


def _by_logarithms(result: tuple[Tree, Tree], inputs: np.ndarray) -> tuple[Tree, Tree]:
    """The result in NumPy, with derivatives in the logarithms of the inputs."""
    (of_loss, of_sizes), values = jax.tree.map(np.asarray, result)
    inputs = inputs.astype(np.float64)
    return (of_loss * inputs, of_sizes * inputs[:, None]), values


def _faults(single: Tree, double: Tree) -> dict[str, Array]:
    """Which problems are wrong in float32, by kind of fault."""
    (of_loss, of_sizes), (loss, sizes, status) = single
    (true_of_loss, true_of_sizes), (true_loss, true_sizes, true_status) = double
    solved, true_solved = is_solved(status), is_solved(true_status)
    both = solved & true_solved
    determined = np.isfinite(true_sizes) & (np.abs(true_of_sizes).max(axis=-1) < 10)
    finite = np.isfinite(of_loss).all(axis=-1) & (
        np.isfinite(of_sizes).all(axis=-1) | ~np.isfinite(sizes)
    ).all(axis=-1)

    def differs(found: Array, true: Array) -> Array:
        scale = np.maximum(np.abs(true).max(axis=-1, keepdims=True), 0.01)
        return (np.abs(found - true) > 0.01 * scale).any(axis=-1)

    return {
        "status": status != true_status,
        "not solved": true_solved & ~solved,
        "solved, not in float64": solved & ~true_solved,
        "loss": both & (np.abs(loss - true_loss) > 2e-6 * np.maximum(1, true_loss)),
        "sizes": both & (determined & (np.abs(sizes - true_sizes) > np.log(10) / 100)).any(axis=-1),
        "not finite": np.isfinite(loss) & ~finite,
        "not zero where infeasible": (status == Status.INFEASIBLE) & ~(of_loss == 0).all(axis=-1),
        "derivatives of the loss": both & differs(of_loss, true_of_loss),
        "derivatives of sizes": both & (determined & differs(of_sizes, true_of_sizes)).any(axis=-1),
    }


def _block(program: Callable[[Array], Tree], seed: int) -> tuple[np.ndarray, Tree, Tree]:
    """The inputs of a block of problems, and its results in float32 and in float64."""
    inputs = _problems(seed)
    single = _by_logarithms(program(inputs), inputs)
    with jax.enable_x64(True):
        return inputs, single, _by_logarithms(program(inputs.astype(np.float64)), inputs)


def _echo_examples(inputs: np.ndarray, single: Tree, double: Tree, most: int) -> None:
    for fault, where in _faults(single, double).items():
        for index in np.flatnonzero(where)[:most]:
            one = jax.tree.map(lambda leaf, i=index: leaf[i].tolist(), (single, double))
            named = dict(zip(_NAMES, inputs[index].tolist(), strict=True))
            click.echo(f"  {fault}: {named}\n    {one[0]}\n    {one[1]}")


def _summary(lines: list[dict[str, Tree]]) -> dict[str, int]:
    """The sums of the counts of all blocks, without zeros."""
    totals: dict[str, int] = {}
    for line in lines:
        for name, count in line["counts"].items():
            totals[name] = totals.get(name, 0) + count
    return {name: count for name, count in totals.items() if count}


@click.command()
@click.option("--count", default=10_000, show_default=True, help="Problems of each question.")
@click.option("--seed", default=0, show_default=True, help="Seed of the first block.")
@click.option("--question", "names", multiple=True, help="Names of questions; default: all.")
@click.option("--examples", default=0, show_default=True, help="Problems to print for each fault.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File of finished blocks.")
def main(count: int, seed: int, names: tuple[str, ...], examples: int, output: Path | None) -> None:
    """Print for each question the number of problems with each status and each fault."""
    stored = output.read_text().splitlines() if output and output.exists() else []
    lines = [json.loads(line) for line in stored]
    for name in names or _QUESTIONS:
        program = jax.jit(jax.vmap(lambda each, name=name: _answer(_QUESTIONS[name], each)))
        seeds = range(seed, seed + -(-count // _BLOCK))
        done = {line["seed"]: line for line in lines if line["question"] == name}
        for block in seeds:
            if block in done:
                continue
            inputs, single, double = _block(program, block)
            statuses = {each.name: int((double[1][2] == each).sum()) for each in Status}
            faults = {k: int(where.sum()) for k, where in _faults(single, double).items()}
            done[block] = {"question": name, "seed": block, "counts": {**statuses, **faults}}
            if output:
                with output.open("a") as file:
                    file.write(json.dumps(done[block]) + "\n")
            _echo_examples(inputs, single, double, examples)
        click.echo(f"{name}: {_summary([done[block] for block in seeds])}")


if __name__ == "__main__":
    main()
