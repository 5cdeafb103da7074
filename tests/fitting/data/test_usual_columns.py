"""Columns are found by their usual names and units, computed from others, or asked for."""

import json

import numpy as np
import pytest
from plain_tables import LOSS, SIZES, TOKENS, columns, write_csv

from fitting import Runs, TableNote, TableWarning, read_table
from fitting.data.preparation.header_units import header_unit
from fitting.data.row_filter import matching
from jaxlaws.foundations.errors import DataError
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.one_input.compute_floor import ComputeFloor

COMPUTE = 6 * SIZES * TOKENS


def same(runs):
    np.testing.assert_allclose(runs.inputs["num_params"], SIZES, rtol=1e-9)
    np.testing.assert_allclose(runs.inputs["num_tokens"], TOKENS, rtol=1e-9)
    np.testing.assert_allclose(runs.loss, LOSS, rtol=1e-9)


@pytest.mark.parametrize(
    ("size", "tokens", "loss"),
    [
        ("N", "D", "L"),
        ("params", "tokens", "val_loss"),
        ("n_params", "n_tokens", "final_loss"),
        ("nParams", "tokensSeen", "evalLoss"),
        ("config.n_params", "config.train_tokens", "summary.eval/loss"),
        ("Parameters", "Training tokens", "Validation loss"),
        ("non_embedding_params", "total_tokens", "train_loss"),
        ("Model size", "dataset_size", "test_loss"),
        ("model/params", "train/tokens_seen", "eval/loss"),
        ("num_parameters", "num_tokens_seen", "final_validation_loss_nats"),
        ("params.n_params", "params.train_tokens", "metrics.eval_loss"),  # MLflow
        ("model/num_parameters", "train/num_input_tokens_seen", "train/loss"),
        ("num_trainable_parameters", "throughput/total_tokens", "eval/CrossEntropyLoss"),
        ("params_non_emb", "consumed_train_tokens", "lm_loss_validation"),
        ("total_non_embedding_params", "train/tokens", "valid/nll_loss"),
        ("N_params", "D_tokens", "val_loss_final"),
    ],
)
def test_usual_names_are_found_and_reported(size, tokens, loss, tmp_path):
    path = write_csv(tmp_path / "runs.csv", {size: SIZES, tokens: TOKENS, loss: LOSS})
    with pytest.warns(TableNote, match="num_params is the column") as caught:
        runs = Runs.read(path, law_type=Chinchilla)
    same(runs)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("titles", "choices"),
    [
        ({"num_params": "total_params", "x": "active_params"}, "total_params, active_params"),
        ({"loss": "c4_val_loss", "x": "train_loss"}, "train_loss, c4_val_loss"),
        ({"loss": "min_val_loss"}, "did you mean 'min_val_loss'"),
        ({"loss": "c4_loss", "x": "wiki_loss"}, "did you mean 'c4_loss' or 'wiki_loss'"),
        ({"loss": "val_loss_bits"}, "did you mean 'val_loss_bits'"),
    ],
)
def test_names_of_several_meanings_are_not_guessed(titles, choices):
    table = {"num_params": SIZES, "num_tokens": TOKENS, "loss": LOSS, "x": 1.1 * LOSS}
    table = {titles.get(name, name): values for name, values in table.items()}
    with pytest.raises(DataError, match=choices):
        Runs.read(table, law_type=Chinchilla)


@pytest.mark.parametrize(
    "table",
    [
        {"Model (Mparams)": SIZES / 1e6, "Data (Btok)": TOKENS / 1e9, "Loss": LOSS},
        {"params": [f"{n / 1e6:.9g} million" for n in SIZES],
         "tokens": [f"{d / 1e9:.12g}B tokens" for d in TOKENS], "loss": LOSS},
        {"N": SIZES, "steps": TOKENS / 524288,
         "batch size (M tokens)": np.full(len(SIZES), 0.524288), "L": LOSS},
    ],
)  # fmt: skip
def test_units_beside_things(table, tmp_path):
    path = write_csv(tmp_path / "runs.csv", table)
    with pytest.warns(TableNote):
        same(Runs.read(path, law_type=Chinchilla))


def test_a_row_of_units(tmp_path):
    path = tmp_path / "runs.csv"
    rows = zip(SIZES / 1e6, TOKENS / 1e9, LOSS, strict=True)
    path.write_text(
        "\n".join(
            ["params,tokens,loss", "M,B,nats", *(",".join(map(repr, map(float, r))) for r in rows)]
        )
    )
    with pytest.warns(TableNote, match="'tokens .B.' are multiplied"):
        same(Runs.read(path, law_type=Chinchilla))


def test_a_first_row_of_powers_is_a_run(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("num_params,num_tokens\n1e8,1e9\n1e8,4e9\n")
    assert read_table(path).columns["num_params"] == ["1e8", "1e8"]


@pytest.mark.parametrize("cell", ["inf", "-", "diverged", "0", ""])
def test_a_run_without_a_loss_can_be_left_out_as_the_message_says(cell, tmp_path):
    cells = [*map(repr, map(float, LOSS)), cell]
    table = {"num_params": [*SIZES, 1e9], "num_tokens": [*TOKENS, 1e9], "loss": cells}
    path = write_csv(tmp_path / "runs.csv", table)
    with pytest.raises(DataError, match="--where 'loss > 0'"):
        Runs.read(path, law_type=Chinchilla)
    with pytest.warns(TableNote, match="rows left out: 1"):
        same(Runs.read(path, law_type=Chinchilla, where="loss > 0"))


@pytest.mark.parametrize(
    ("title", "says", "is_refused"),
    [("log10_ppl", "2.302585", True), ("log2_perplexity", "--outcome bits", False)],
)
def test_logarithms_of_perplexities_have_another_remedy(title, says, is_refused, tmp_path):
    table = {"num_params": SIZES, "num_tokens": TOKENS, title: LOSS / 2}
    path = write_csv(tmp_path / "runs.csv", table)
    kind = DataError if is_refused else TableWarning
    with (pytest.raises if is_refused else pytest.warns)(kind, match=says):
        Runs.read(path, columns={"loss": title}, law_type=Chinchilla)


def test_tokens_for_each_parameter():
    with pytest.warns(TableNote, match="tokens_per_param x num_params"):
        runs = Runs.read(
            {"params": SIZES, "tokens_per_param": TOKENS / SIZES, "loss": LOSS}, law_type=Chinchilla
        )
    same(runs)


@pytest.mark.parametrize(
    ("title", "factor"),
    [
        ("Params (M)", 1e6), ("Tokens (B)", 1e9), ("params_M", 1e6), ("tokens_b", 1e9),
        ("Params, M", 1e6), ("Tokens in B", 1e9), ("N (x1e9)", 1e9), ("tokens x1e9", 1e9),
        ("Params (millions)", 1e6), ("tokens [10^9]", 1e9), ("n_tokens_billions", 1e9),
        ("Params (Millions)", 1e6), ("Tokens (Billion)", 1e9), ("Tokens in Billions", 1e9),
        ("B tokens", 1e9), ("Million params", 1e6), ("EFLOPs", 1e18), ("compute (ZFLOPs)", 1e21),
        ("PF-days", 8.64e19), ("compute (PFLOP/s-days)", 8.64e19), ("N", 1.0), ("L_T", 1.0),
        ("num_params", 1.0), ("loss", 1.0), ("TFLOPs/s", 1.0), ("tokens", 1.0),
        ("params/M", 1e6), ("D/10^9", 1e9), ("params_in_millions", 1e6), ("Tokens [Mrd.]", 1e9),
        ("Size (MM)", 1e6), ("compute (1e18 FLOPs)", 1e18), ("FLOPs (E18)", 1e18),
        ("compute_exaflops", 1e18), ("tokens/s", 1.0), ("tokens/step", 1.0), ("C_e", 1.0),
    ],
)  # fmt: skip
def test_units_in_headers(title, factor):
    assert header_unit(title)[1] == pytest.approx(factor)


@pytest.mark.parametrize("given", [{}, {"num_params": "Params (M)", "num_tokens": "Tokens (B)"}])
def test_a_unit_in_the_header_is_applied_once_and_reported(given, tmp_path):
    cells = {"Params (M)": SIZES / 1e6, "Tokens (B)": TOKENS / 1e9, "loss": LOSS}
    path = write_csv(tmp_path / "runs.csv", cells)
    with pytest.warns(TableNote, match=r"'Params \(M\)' are multiplied by 1e\+06"):
        same(Runs.read(path, given))
    names = {"num_params": "Params (M)", "num_tokens": "Tokens (B)"}
    with pytest.raises(DataError, match="no run has less"):
        Runs.read(path, names, units={"num_params": "1", "num_tokens": "1"})


@pytest.mark.parametrize(
    ("others", "how"),
    [
        ({"flops": COMPUTE}, "flops / (6 num_params)"),
        ({"compute_budget": COMPUTE}, "flops / (6 num_params)"),
        ({"C (EFLOPs)": COMPUTE / 1e18}, "flops / (6 num_params)"),
        ({"steps": TOKENS / 5e5, "batch_tokens": 0 * SIZES + 5e5}, "steps x batch_tokens"),
        (
            {"steps": TOKENS / 2**20, "batch_size": 0 * SIZES + 512, "seq_len": 0 * SIZES + 2048},
            "steps x batch_size x seq_len",
        ),
    ],
)
def test_tokens_are_computed_from_compute_or_steps(others, how, tmp_path):
    path = write_csv(tmp_path / "runs.csv", columns(num_tokens=None) | others)
    with pytest.warns(TableNote, match="num_tokens is computed") as caught:
        same(Runs.read(path, law_type=Chinchilla))
    assert how in str(caught[0].message)


def test_sizes_and_losses_are_computed_too(tmp_path):
    cells = columns(num_params=None, loss=None) | {"flops": COMPUTE, "val_ppl": np.exp(LOSS)}
    path = write_csv(tmp_path / "runs.csv", cells)
    for options in ({}, {"loss_unit": "perplexity"}, {"loss_unit": "bits"}):
        with pytest.warns(TableNote, match="loss is computed: log of val_ppl"):
            same(Runs.read(path, law_type=Chinchilla, **options))


@pytest.mark.parametrize("perplexity", [-2.0, 0.0, 0.9, 1.0])
def test_a_perplexity_of_at_most_one_is_refused(perplexity):
    table = {"num_params": [1e6, 1e7, 1e8], "loss": [20.0, perplexity, 15.0]}
    with (
        pytest.warns(TableNote, match="logarithms"),
        pytest.raises(DataError, match=r"row 2, column loss: \S+ is not above zero"),
    ):
        Runs.read(table, loss_unit="perplexity")


def test_a_constant_or_a_count_of_heads_is_not_proposed(tmp_path):
    cells = columns(num_params=None, num_tokens=None)
    cells |= {"num_heads": SIZES / SIZES * 8, "batch_tokens": 0 * SIZES + 5e5}
    with pytest.raises(DataError) as caught:
        Runs.read(write_csv(tmp_path / "runs.csv", cells), law_type=Chinchilla)
    assert "--column num_params=THEIR_NAME" in str(caught.value)
    assert "batch_tokens=" not in str(caught.value)
    assert "=batch_tokens" not in str(caught.value)


def test_of_several_columns_the_user_chooses(tmp_path):
    cells = columns(loss=None) | {"val_loss": LOSS, "final_loss": LOSS + 0.1}
    path = write_csv(tmp_path / "runs.csv", cells)
    with pytest.raises(DataError, match="--column loss=val_loss or --column loss=final_loss"):
        Runs.read(path)
    same(Runs.read(path, {"loss": "val_loss"}))


def test_validation_loss_comes_before_training_loss(tmp_path):
    cells = columns(loss=None) | {"train_loss": LOSS + 0.1, "eval_loss": LOSS}
    with pytest.warns(TableNote, match="loss is the column 'eval_loss'"):
        same(Runs.read(write_csv(tmp_path / "runs.csv", cells)))


def test_a_law_of_one_quantity_takes_the_size(tmp_path):
    sizes = np.geomspace(1e6, 1e9, 6)
    path = write_csv(tmp_path / "runs.csv", {"preset": "abcdef", "N": sizes, "loss": 1 / sizes + 2})
    with pytest.warns(TableNote, match="flops, the one input of the law, is the column 'N'"):
        runs = Runs.read(path, law_type=ComputeFloor)
    np.testing.assert_allclose(runs.inputs["flops"], sizes)


def test_both_names_of_a_column_work_in_expressions():
    names = {"num_params": "N", "num_tokens": "D", "loss": "val"}
    runs = Runs.read({"N": SIZES, "D": TOKENS, "val": LOSS}, names)
    for expression in ("N > 1e9", "num_params > 1e9", "val < 2.9 and loss < 2.9 and N > 1B"):
        assert matching(runs, expression).sum() >= 2


def test_the_error_for_a_missing_column_gives_the_nearest_names_only(tmp_path):
    cells = columns(loss=None) | {f"metric_{i}": LOSS for i in range(80)} | {"lossy": LOSS}
    with pytest.raises(DataError) as caught:
        Runs.read(write_csv(tmp_path / "runs.csv", cells))
    assert "did you mean 'lossy'?" in str(caught.value)
    assert "of its 83 columns the nearest are lossy" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_usual_names_name_columns_and_a_computed_input_names_what_is_not_used(tmp_path):
    cells = columns(num_tokens=None) | {"flops": 6 * SIZES * TOKENS, "seen token": TOKENS / 1e9}
    path = write_csv(tmp_path / "runs.csv", cells)
    with pytest.warns(TableNote, match="'seen token' are multiplied by 1e"):
        same(Runs.read(path, {"tokens": "seen token"}, units={"tokens": "B"}))
    with pytest.warns(TableNote, match=r"num_tokens is computed.*not used: 'seen token'"):
        same(Runs.read(path))


def test_crashed_runs_are_left_out_by_an_expression(tmp_path):
    losses = [*map(str, LOSS[:-1]), ""]
    states = ["finished"] * 11 + ["crashed"]
    path = write_csv(tmp_path / "runs.csv", columns(loss=losses) | {"state": states})
    with pytest.raises(DataError, match="row 13, column loss: the value is missing") as caught:
        Runs.read(path)
    assert str(caught.value).endswith("""left out: --where 'state == "finished"'""")
    for where in ("state == 'finished'", "loss > 0"):
        with pytest.warns(TableNote, match="rows left out: 1"):
            assert len(Runs.read(path, where=where)) == 11
    with pytest.raises(DataError, match="no row has"):
        Runs.read(path, where="loss > 99")


def test_records_of_an_experiment_tracker(tmp_path):
    rows = [
        {"config": {"n_params": n, "tokens": d}, "summary": {"eval": {"loss": loss}}, "state": "ok"}
        for n, d, loss in zip(SIZES, TOKENS, LOSS, strict=True)
    ]
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(rows))
    with pytest.warns(TableNote):
        same(Runs.read(path, law_type=Chinchilla))
