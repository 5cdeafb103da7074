"""`python -m experiments.benchmarks.cost_search`: random problems of six kinds of cost.

Prices of training, serving, logits and data, caps for each student, and a further input of the
law, each with random budgets. The dense search on the raw laws is that of the tests, in NumPy, and
shares no code with the planner.
"""

import click
import numpy as np

from fitting import markdown_table
from tests.planning.cost_search import KINDS, Searched

_WORSE = 1e-8  # in nats: a solved plan is not worse than the dense search by more


def _is_right(found: Searched) -> bool:
    is_true = abs(found.loss - found.raw_loss) < 1e-12 * found.raw_loss
    is_true &= abs(found.spent - found.raw_spent) < 1e-9 * found.raw_spent
    within = found.spent <= found.budget * (1 + 1e-9)
    return found.solved and is_true and within and found.loss <= found.least + _WORSE


@click.command()
@click.option("--count", default=4, show_default=True, help="Number of problems of each kind.")
@click.option("--points", default=400_000, show_default=True, help="Points of each search.")
@click.option("--seed", default=0, show_default=True, help="Seed of the problems.")
def main(count: int, points: int, seed: int) -> None:
    """Print, for each kind of cost, how many plans are right and how far the search is behind."""
    rows = []
    for kind, problem in KINDS.items():
        random = np.random.default_rng(seed)
        found = [problem(random, points) for _ in range(count)]
        ahead = [each.least - each.loss for each in found]
        right = sum(map(_is_right, found))
        rows.append([kind, str(count), str(right), f"{min(ahead):.1e}", f"{max(ahead):.1e}"])
    columns = ["kind", "problems", "right", "search above plan: least", "most"]
    click.echo(markdown_table(columns, rows))


if __name__ == "__main__":
    main()
