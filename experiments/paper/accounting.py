"""The paper's parameters and FLOPs (App. H, Tables 8 to 13), from the shapes of its models.

Nothing here depends on a law.
"""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxlaws.compute import (
    TransformerShape,
    approximate_forward_flops,
    busbridge_shapes,
    dense_forward_flops,
    exact_forward_flops,
    hoffmann_forward_flops,
    kaplan_forward_flops,
    narayanan_forward_flops,
    transformer_forward_flops,
)

SHOWN = ("103M", "546M", "1.82B", "7.75B", "10B", "12.6B")
CONTEXT = 4096
COLUMNS = (
    "model",
    "N",
    "N with embedding",
    "layers",
    "width",
    "MLP width",
    "exact FLOPs",
    "Eq. 72",
    "Eq. 69",
    "error of 2 N, %",
    "error of Eq. 69, %",
)
CONVENTIONS: dict[str, Callable[[TransformerShape], float]] = {
    "exact": exact_forward_flops,
    "Eq. 72": approximate_forward_flops,
    "Kaplan et al.": kaplan_forward_flops,
    "Hoffmann et al.": hoffmann_forward_flops,
    "Narayanan et al.": narayanan_forward_flops,
    "2 N": lambda shape: float(dense_forward_flops(float(shape.num_params))),
}


def table_13(names: Sequence[str] = ()) -> list[list[str]]:
    """Return the rows of Table 13: sizes and forward FLOPs per token, in billions.

    Args:
        names: names of models; by default all.
    """
    rows = []
    for name, shape in busbridge_shapes().items():
        if names and name not in names:
            continue
        exact = exact_forward_flops(shape)
        of_size = float(transformer_forward_flops(float(shape.num_params)))
        counts = (shape.num_params, shape.num_total_params)
        flops = (exact, approximate_forward_flops(shape), of_size)
        errors = (dense_forward_flops(float(shape.num_params)) / exact - 1, of_size / exact - 1)
        rows.append(
            [
                name,
                *(f"{count / 1e9:.4g}" for count in counts),
                str(shape.num_layers),
                str(shape.width),
                str(shape.mlp_width),
                *(f"{each / 1e9:.4g}" for each in flops),
                *(f"{100 * error:+.2f}" for error in errors),
            ]
        )
    return rows


def parts(shape: TransformerShape) -> dict[str, tuple[float, float]]:
    """Return the parameters and the exact forward FLOPs per token of each part of a model.

    The embedding's parameters are those of the output layer too; they are counted once.
    """
    d, layers, group = shape.width, shape.num_layers, shape.kv_group
    projections = layers * 2 * (1 + 1 / group) * d**2  # queries, keys, values and output
    mlp = layers * shape.mlp_matrices * d * shape.mlp_width
    gains = layers * (2 * d + 2 * shape.head_width) + d
    return {
        "embedding": (shape.vocab * d, 2 * d),
        "projections of the attention": (projections, 2 * projections),
        "logits and values of the attention": (0, layers * 2 * CONTEXT * d),
        "softmax of the attention": (0, layers * 2.5 * shape.num_heads * CONTEXT),
        "MLP": (mlp, 2 * mlp),
        "gains of the norms": (gains, 0),
        "output layer": (0, 2 * shape.vocab * d),
    }


def parts_table(name: str) -> list[list[str]]:
    """Return rows of `parts` of a model: the part, millions of parameters and of FLOPs, share."""
    found = parts(busbridge_shapes()[name])
    total = sum(flops for _, flops in found.values())
    return [
        [part, f"{params / 1e6:.1f}", f"{flops / 1e6:.1f}", f"{flops / total:.1%}"]
        for part, (params, flops) in found.items()
    ]


def conventions_table(names: Sequence[str] = SHOWN) -> list[list[str]]:
    """Return rows of forward FLOPs per token in billions: the convention, then each model."""
    shapes = busbridge_shapes()
    return [
        [words, *(f"{count(shapes[name]) / 1e9:.4g}" for name in names)]
        for words, count in CONVENTIONS.items()
    ]


def write_table_13(file: Path) -> None:
    """Write all rows of Table 13 to a CSV file."""
    with file.open("w", newline="", encoding="utf-8") as lines:
        csv.writer(lines, lineterminator="\n").writerows([COLUMNS, *table_13()])
