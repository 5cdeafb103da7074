"""`python -m experiments.benchmarks.single_precision`: plans in a float32 program against float64.

Random problems of each kind of question: budgets of 1e17 to 1e27 FLOPs, all scenarios, serving up
to nearly the whole budget, and tokens that a cap keeps far below what the budget pays for. Each
kind is one program, `jit(vmap(...))` of an answer and of all derivatives of its losses and sizes.
The reference is the same answer in float64 for the same inputs. An answer may hold several plans;
a problem has a fault where any of its numbers has one. With `--output` each finished block is a
line of a file, and a later call continues after it.
"""

import json
from collections.abc import Callable
from pathlib import Path

import click
import jax
import numpy as np

from experiments.benchmarks.single_precision.answers import Numbers, numbers_of
from experiments.benchmarks.single_precision.questions import LAW, QUESTIONS
from jaxlaws.foundations.annotations import Array, Tree
from jaxlaws.planning import Status, is_solved

_BLOCK = 1000
_QUICK_TO_COMPILE = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 1}
# The inputs of all problems: budget, size, tokens that are served, largest numbers of tokens and of
# parameters of the teacher, and the loss to reach.
_NAMES = ("flops", "size", "served", "tokens", "teacher", "target")


def _answer(question: Callable[[dict[str, Array]], Tree], inputs: Array) -> tuple[Tree, Tree]:
    """The derivatives of losses and of the logarithms of sizes; and the `Numbers`."""

    def values(inputs: Array) -> tuple[tuple[Array, Array], Numbers]:
        numbers = numbers_of(question(dict(zip(_NAMES, inputs, strict=True))))
        return (numbers.losses, numbers.sizes), numbers

    return jax.jacfwd(values, has_aux=True)(inputs)


def _problems(seed: int) -> np.ndarray:
    """Inputs in float32. A third has a large service, another third has scarce data."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, 3, _BLOCK)
    flops, size = 10 ** random.uniform(17, 27, _BLOCK), 10 ** random.uniform(6.5, 11, _BLOCK)
    share = np.where(kind == 1, -np.expm1(-random.exponential(3, _BLOCK)), 1e-3)
    tokens = np.where(kind == 2, random.uniform(7, 12, _BLOCK), random.uniform(11, 17, _BLOCK))
    teacher = np.where(random.random(_BLOCK) < 0.5, 16, random.uniform(7, 13, _BLOCK))
    enough = 10 ** random.uniform(9, 14, _BLOCK)
    target = LAW.supervised.loss(num_params=size, num_tokens=enough)
    inputs = [flops, size, share * flops / (2 * size), 10**tokens, 10**teacher, target]
    return np.stack(inputs, axis=1).astype(np.float32)


def _by_logarithms(result: tuple[Tree, Tree], inputs: np.ndarray) -> tuple[Tree, Tree]:
    """The result in NumPy, with derivatives in the logarithms of the inputs."""
    (of_losses, of_sizes), values = jax.tree.map(np.asarray, result)
    inputs = inputs.astype(np.float64)
    return (of_losses * inputs[:, None], of_sizes * inputs[:, None]), values


def _faults(single: Tree, double: Tree) -> dict[str, Array]:
    """Which problems are wrong in float32, by kind of fault."""
    (of_losses, of_sizes), found = single
    (true_of_losses, true_of_sizes), true = double
    solved, true_solved = is_solved(found.status), is_solved(true.status)
    losses = is_solved(found.of_loss) & is_solved(true.of_loss)
    sizes = is_solved(found.of_size) & is_solved(true.of_size) & np.isfinite(true.sizes)
    sizes &= np.abs(true_of_sizes).max(axis=-1) < 10  # where they are determined
    finite = np.isfinite(of_losses).all(axis=-1), np.isfinite(of_sizes).all(axis=-1)

    def differs(found: Array, true: Array) -> Array:
        scale = np.maximum(np.abs(true).max(axis=-1, keepdims=True), 0.01)
        return (np.abs(found - true) > 0.01 * scale).any(axis=-1)

    # Numbers that are infinite in both, such as students that are never enough, have no difference.
    off = [np.nan_to_num(np.abs(a - b)) for a, b in zip(found[:2], true[:2], strict=True)]
    faults = {
        "status": found.status != true.status,
        "choice": found.choices != true.choices,
        "not solved": true_solved & ~solved,
        "solved, not in float64": solved & ~true_solved,
        "loss": losses & (off[0] > 2e-6 * np.maximum(1, np.abs(true.losses))),
        "sizes": sizes & (off[1] > np.log(10) / 100),
        "not finite, of a loss": np.isfinite(found.losses) & ~finite[0],
        "not finite, of a size": np.isfinite(found.sizes) & ~finite[1],
        "not zero where infeasible": (found.of_loss == Status.INFEASIBLE)
        & ~(of_losses == 0).all(axis=-1),
        "derivatives of the loss": losses & differs(of_losses, true_of_losses),
        "derivatives of sizes": sizes & differs(of_sizes, true_of_sizes),
    }
    return {name: where.any(axis=-1) for name, where in faults.items()}


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
    for name in names or QUESTIONS:
        program = jax.jit(
            jax.vmap(lambda each, name=name: _answer(QUESTIONS[name], each)),
            compiler_options=_QUICK_TO_COMPILE,
        )
        seeds = range(seed, seed + -(-count // _BLOCK))
        done = {line["seed"]: line for line in lines if line["question"] == name}
        for block in seeds:
            if block in done:
                continue
            inputs, single, double = _block(program, block)
            statuses = {each.name: int((double[1].status == each).sum()) for each in Status}
            faults = {k: int(where.sum()) for k, where in _faults(single, double).items()}
            counts = {"problems": len(inputs), **statuses, **faults}
            done[block] = {"question": name, "seed": block, "counts": counts}
            if output:
                with output.open("a") as file:
                    file.write(json.dumps(done[block]) + "\n")
            _echo_examples(inputs, single, double, examples)
        click.echo(f"{name}: {_summary([done[block] for block in seeds])}")


if __name__ == "__main__":
    main()
