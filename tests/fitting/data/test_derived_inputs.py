"""Sizes and tokens from other columns: products of batches and of epochs, and logarithms."""

import shlex

import numpy as np
import pytest
from plain_tables import LOSS, SIZES, TOKENS, columns, write_csv

from fitting import Runs, TableNote
from jaxlaws.foundations.errors import DataError
from jaxlaws.laws.chinchilla import Chinchilla

ONES = np.ones(12)
BATCH = {"grad_accum": 4 * ONES, "num_gpus": 16 * ONES, "seq_len": 2048 * ONES}


def read(tmp_path, cells, **options):
    return Runs.read(write_csv(tmp_path / "runs.csv", cells), law_type=Chinchilla, **options)


@pytest.mark.parametrize(
    ("cells", "how"),
    [
        ({"epochs": TOKENS / 5e8, "dataset_tokens": 5e8 * ONES}, "epochs x dataset_tokens"),
        ({"epochs": 1 + np.arange(12), "dataset_tokens": TOKENS / (1 + np.arange(12))}, "epochs x"),
        ({"num_epochs": TOKENS / 5e8, "num_unique_tokens": 5e8 * ONES}, "x num_unique_tokens"),
        (
            {"steps": TOKENS / 2**20, "micro_batch_size": 8 * ONES, **BATCH},
            "steps x micro_batch_size x grad_accum x num_gpus x seq_len",
        ),
        ({"steps": TOKENS / 2**20, "global_batch_size": 512 * ONES, **BATCH}, "steps x global_bat"),
    ],
)
def test_tokens_are_a_product(cells, how, tmp_path):
    with pytest.warns(TableNote, match=f"num_tokens is computed: .*{how}"):
        runs = read(tmp_path, columns(num_tokens=None) | cells)
    np.testing.assert_allclose(runs.inputs["num_tokens"], TOKENS)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"batch_size": 8 * ONES}, "whether 'batch_size' is the batch of all GPUs is not clear"),
        ({"micro_batch_size": 8 * ONES, "tp": 2 * ONES}, "has no column num_tokens"),
        ({"micro_batch_size": 8 * ONES, "num_gpus": None}, "grad.*, num_gpus and seq_len"),
    ],
)
def test_a_batch_that_is_not_clear_is_refused(cells, says, tmp_path):
    cells = columns(num_tokens=None) | {"steps": TOKENS / 2**20} | BATCH | cells
    with pytest.raises(DataError, match=says):
        read(tmp_path, {name: values for name, values in cells.items() if values is not None})


@pytest.mark.parametrize(
    ("titles", "log"),
    [
        (("log10_params", "log10(D)"), np.log10),
        (("N (log10)", "lg tokens"), np.log10),
        (("ln(N)", "ln_tokens"), np.log),
    ],
)
def test_logarithms_whose_header_gives_the_base_are_read(titles, log, tmp_path):
    cells = dict(zip(titles, (log(SIZES), log(TOKENS)), strict=True)) | {"loss": LOSS}
    with pytest.warns(TableNote, match=r"num_params is computed: (10|e) \*\* "):
        runs = read(tmp_path, cells)
    np.testing.assert_allclose(runs.inputs["num_params"], SIZES)
    np.testing.assert_allclose(runs.inputs["num_tokens"], TOKENS)


def test_tokens_follow_from_the_logarithm_of_compute(tmp_path):
    cells = columns(num_tokens=None) | {"lgC": np.log10(6 * SIZES * TOKENS)}
    with pytest.warns(TableNote, match=r"flops is computed: 10 \*\* lgC; num_tokens is computed"):
        np.testing.assert_allclose(read(tmp_path, cells).inputs["num_tokens"], TOKENS)


@pytest.mark.parametrize("base", ["log10", "ln"])
def test_the_remedy_for_a_logarithm_of_unknown_base_works(base, tmp_path):
    log = {"log10": np.log10, "ln": np.log}[base]
    cells = {"log_params": log(SIZES), "log N tokens": log(TOKENS), "loss": LOSS}
    with pytest.raises(DataError, match="base is not clear") as caught:
        read(tmp_path, cells)
    text = str(caught.value).partition("base 10: ")[2].partition(" (for")[0]
    options = shlex.split(text.replace("=log10", f"={base}"))
    given = {"--column": {}, "--unit": {}}
    for kind, pair in zip(options[::2], options[1::2], strict=True):
        given[kind] |= [pair.split("=")]
    with pytest.warns(TableNote, match=f"'log_params' holds its logarithm, {base}"):
        runs = read(tmp_path, cells, columns=given["--column"], units=given["--unit"])
    np.testing.assert_allclose(runs.inputs["num_tokens"], TOKENS)


def test_a_column_of_logarithms_is_suggested_where_numbers_are_too_small(tmp_path):
    cells = columns(num_params=np.log10(SIZES))
    with pytest.raises(DataError, match="logarithms: --unit num_params=log10"):
        read(tmp_path, cells)
    with pytest.warns(TableNote, match="holds its logarithm"):
        runs = read(tmp_path, cells, units={"num_params": "log10"})
    np.testing.assert_allclose(runs.inputs["num_params"], SIZES)
