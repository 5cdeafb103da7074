"""Wide tables: a row for each size, a column for each number of tokens."""

import numpy as np
import pytest
from plain_tables import LOSS, TOKENS, loss_of, write_csv

from fitting import Runs, TableNote
from jaxlaws.foundations.errors import DataError
from jaxlaws.laws.chinchilla import Chinchilla


def test_a_wide_table_is_read_as_one_row_for_each_cell(tmp_path):
    sizes = np.array([7e7, 2e8, 5e8, 1.2e9])
    ratio = {"6x": 6.0, "25 tok/param": 25.0, "90x": 90.0}
    cells = {"params": sizes} | {head: loss_of(sizes, k * sizes) for head, k in ratio.items()}
    cells["90x"] = [*cells["90x"][:3], "(partial)"]
    with pytest.warns(TableNote, match=r"row 5, column 90x: '\(partial\)'"):
        runs = Runs.read(write_csv(tmp_path / "runs.csv", cells), law_type=Chinchilla)
    np.testing.assert_allclose(runs.inputs["num_tokens"], TOKENS[:-1])
    np.testing.assert_allclose(runs.loss, LOSS[:-1])


@pytest.mark.parametrize(
    ("corner", "heads"),
    [
        ("params", ["D/N=6", "D/N=25", "D/N=90"]),
        ("size \\ tokens per param", ["6", "25", "90"]),
        ("N", ["1e18", "C=1e19", "1e20 FLOPs"]),
    ],
)
def test_a_wide_table_of_ratios_or_compute(corner, heads, tmp_path):
    sizes = np.array([7e7, 2e8, 5e8, 1.2e9])
    ratios = np.array([6.0, 25.0, 90.0]) * np.ones((4, 1))
    if "FLOPs" in heads[2]:
        ratios = np.array([1e18, 1e19, 1e20]) / (6 * sizes[:, None] ** 2)
    losses = {head: loss_of(sizes, r * sizes) for head, r in zip(heads, ratios.T, strict=True)}
    with pytest.warns(TableNote, match="the table is wide"):
        runs = Runs.read(write_csv(tmp_path / "runs.csv", {corner: sizes} | losses))
    np.testing.assert_allclose(runs.inputs["num_tokens"], (ratios * sizes[:, None]).ravel())
    np.testing.assert_allclose(runs.loss, np.transpose([*losses.values()]).ravel())


@pytest.mark.parametrize(
    ("down", "heads", "name"),
    [
        ("num_params", ["2B", "20B", "100B"], "num_tokens"),
        ("tokens", ["70M", "200M", "1.2B"], "num_params"),
    ],
)
def test_a_wide_table_of_counts(down, heads, name, tmp_path):
    cells = {down: [1e9, 2e9, 8e9]} | {head: [3.0, 2.8, 2.6] for head in heads}
    with pytest.warns(TableNote, match="the table is wide"):
        runs = Runs.read(write_csv(tmp_path / "runs.csv", cells))
    assert len(np.unique(runs.inputs[name])) == len(heads)


def test_a_wide_table_that_is_not_clear_is_explained(tmp_path):
    cells = {"num_params": [1e8, 2e8, 4e8], "5": [3.0, 2.9, 2.8], "20": [2.8, 2.7, 2.6]}
    with pytest.raises(DataError, match=r"the table is wide.*write 20x"):
        Runs.read(write_csv(tmp_path / "runs.csv", cells))
