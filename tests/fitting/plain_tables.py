"""A small table whose law is known in closed form, written in the ways in which people write it."""

import numpy as np

TRUE = {"E": 1.8, "A": 420.0, "alpha": 0.34, "B": 900.0, "beta": 0.32}
SIZES = np.repeat([7e7, 2e8, 5e8, 1.2e9], 3)
TOKENS = SIZES * np.tile([6.0, 25.0, 90.0], 4)


def loss_of(sizes, tokens):
    return TRUE["E"] + TRUE["A"] / sizes ** TRUE["alpha"] + TRUE["B"] / tokens ** TRUE["beta"]


LOSS = loss_of(SIZES, TOKENS)


def columns(**changes):
    """The table as columns; None leaves one out."""
    plain = {"num_params": SIZES, "num_tokens": TOKENS, "loss": LOSS} | changes
    return {name: values for name, values in plain.items() if values is not None}


def write_csv(path, cells, separator=","):
    lines = [separator.join(cells)]
    lines += [separator.join(map(str, row)) for row in zip(*cells.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
