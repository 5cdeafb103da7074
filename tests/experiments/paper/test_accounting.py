"""The tables of parameters and FLOPs against the paper's printed Table 13 and our own totals."""

import pytest

from experiments.paper.accounting import (
    COLUMNS,
    conventions_table,
    parts,
    table_13,
    write_table_13,
)
from jaxlaws.compute import busbridge_shapes, exact_forward_flops


def test_rows_are_those_of_the_paper():
    """Printed: N, N_total, layers, width, MLP width, exact and approximate FLOPs."""
    printed = {
        "546M": (0.546, 0.6047, 14, 1792, 4864, 1.417, 1.415),
        "7.75B": (7.747, 7.889, 34, 4352, 11648, 17, 16.99),
    }
    for row in table_13(list(printed)):
        assert [float(cell) for cell in row[1:8]] == list(printed[row[0]])


def test_errors_of_the_dense_count():
    """Relative errors that the paper's table implies."""
    errors = {row[0]: float(row[COLUMNS.index("error of 2 N, %")]) for row in table_13()}
    assert len(errors) == 33
    assert errors["546M"] == pytest.approx(-23.0, abs=0.1)
    assert errors["12.6B"] == pytest.approx(-7.4, abs=0.1)


@pytest.mark.parametrize("name", ["103M", "12.6B"])
def test_parts_add_up(name):
    shape = busbridge_shapes()[name]
    params, flops = map(sum, zip(*parts(shape).values(), strict=True))
    assert params == shape.num_total_params
    assert flops == pytest.approx(exact_forward_flops(shape), rel=1e-12)


def test_all_rows_are_written(tmp_path):
    write_table_13(tmp_path / "table.csv")
    lines = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("model,N,")
    assert len(lines) == 34


def test_counts_that_are_not_causal_are_higher():
    for column in zip(*(row[1:] for row in conventions_table()), strict=True):
        exact, _, kaplan, hoffmann, narayanan, dense = map(float, column)
        assert dense < kaplan <= exact < narayanan < hoffmann
