"""Tables whose numbers cannot be what the law means are refused or converted, never taken."""

import csv

import numpy as np
import pytest
from plain_tables import LOSS, SIZES, TOKENS, columns, write_csv

from fitting import Runs, TableNote, TableWarning
from jaxlaws.foundations.errors import DataError
from jaxlaws.laws.chinchilla import Chinchilla

COMPUTE = 6 * SIZES * TOKENS


def refusal(path, **options):
    with pytest.raises(DataError) as caught:
        Runs.read(path, law_type=Chinchilla, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_tokens": TOKENS / 1e9}, "--unit num_tokens=B"),
        ({"num_params": SIZES / 1e6, "num_tokens": TOKENS / 1e9}, "--unit num_params=M"),
        ({"num_params": SIZES / 1e9}, "no run has less than one"),
        ({"num_tokens": TOKENS / 1e5}, "different units"),
        ({"num_params": SIZES * 1e9}, "more than any run has"),
        ({"loss": np.exp(LOSS)}, "--outcome perplexity"),
        ({"loss": 0.2 + 0.05 * np.log10(SIZES * TOKENS / 1e15)}, "the outcome rises"),
        ({"loss": 1 / LOSS}, "the outcome rises"),
        ({"flops": COMPUTE / 1e9}, "--unit flops=G"),
        ({"flops": COMPUTE / 1e15}, "--unit flops=P"),
        ({"flops": COMPUTE / 8.64e19}, "--unit flops=PF-days"),
        ({"flops": 6 * SIZES * 1.1}, "FLOPs per token"),
        ({"flops": 2 * SIZES}, "FLOPs per token"),
        ({"flops": COMPUTE * 37}, "--allow flops"),
        ({"flops": 6 * SIZES, "spent": 1.05 * COMPUTE}, "--column flops=spent"),
    ],
)
def test_a_table_that_is_likely_wrong_is_refused_with_the_remedy(changes, message, tmp_path):
    path = write_csv(tmp_path / "runs.csv", columns(**changes))
    reported = refusal(path)
    assert message in reported
    assert str(path) in reported
    assert "--allow" in reported


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"num_tokens": TOKENS / 1e9}, {"units": {"num_tokens": "B"}}),
        ({"num_params": SIZES / 1e6}, {"units": {"num_params": "millions"}}),
        ({"num_params": SIZES / 1e6}, {"units": {"num_params": "1e6"}}),
        ({"loss": np.exp(LOSS)}, {"loss_unit": "perplexity"}),
        ({"loss": LOSS / np.log(2)}, {"loss_unit": "bits"}),
    ],
)
def test_the_remedy_gives_the_right_table(changes, options, tmp_path):
    path = write_csv(tmp_path / "runs.csv", columns(**changes))
    with pytest.warns(TableNote):
        runs = Runs.read(path, law_type=Chinchilla, **options)
    np.testing.assert_allclose(runs.inputs["num_params"], SIZES, rtol=1e-9)
    np.testing.assert_allclose(runs.inputs["num_tokens"], TOKENS, rtol=1e-9)
    np.testing.assert_allclose(runs.loss, LOSS, rtol=1e-9)


def test_units_of_compute_are_converted(tmp_path):
    path = write_csv(tmp_path / "runs.csv", columns(flops=COMPUTE / 8.64e19))
    with pytest.warns(TableNote, match=r"multiplied by 8.64e\+19"):
        runs = Runs.read(path, units={"flops": "PF-days"})
    np.testing.assert_allclose(runs.inputs["flops"], COMPUTE, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("counts", {"num_params": SIZES / 1e9, "num_tokens": TOKENS / 1e9}),
        ("tokens-per-parameter", {"num_tokens": TOKENS / 1e5}),
        ("outcome", {"loss": np.exp(LOSS)}),
        ("flops", {"flops": COMPUTE * 37}),
    ],
)
def test_a_table_that_is_allowed_is_read_with_a_warning(name, changes, tmp_path):
    path = write_csv(tmp_path / "runs.csv", columns(**changes))
    with pytest.warns(TableWarning, match="runs.csv"):
        assert len(Runs.read(path, law_type=Chinchilla, allow=[name])) == len(SIZES)
    with pytest.raises(ValueError, match="there is no check 'size' to allow; the checks are count"):
        Runs.read(path, allow=["size"])


@pytest.mark.parametrize("title", ["val_ppl", "perplexity", "accuracy", "eval/acc"])
def test_an_outcome_that_is_no_loss_by_its_name_is_refused(title, tmp_path):
    cells = columns(loss=None) | {title: LOSS}
    path = write_csv(tmp_path / "runs.csv", cells)
    assert "not a loss in nats" in refusal(path, columns={"loss": title})


def test_bits_per_byte_are_taken_with_a_warning(tmp_path):
    path = write_csv(tmp_path / "runs.csv", columns(loss=None) | {"bpb": LOSS / 3})
    with pytest.warns(TableWarning, match="--outcome bits"):
        Runs.read(path, {"loss": "bpb"})


def test_compute_that_drifts_from_6nd_with_the_size_is_reported(tmp_path):
    drifting = COMPUTE * (SIZES / SIZES.max()) ** -0.25
    path = write_csv(tmp_path / "runs.csv", columns(flops=drifting))
    with pytest.warns(TableWarning, match="embeddings"):
        Runs.read(path)


def test_a_diverged_run_is_named(tmp_path):
    losses = LOSS.copy()
    losses[4] = 55.0
    path = write_csv(tmp_path / "runs.csv", columns(loss=losses))
    with pytest.warns(TableWarning, match=r"row 6\).*--where 'loss < 12'"):
        Runs.read(path)


@pytest.mark.parametrize("place", [0, 4, len(LOSS) - 1])  # first and last: no others near
def test_a_diverged_run_with_a_possible_loss_is_named(place, tmp_path):
    losses = LOSS.copy()
    losses[place] = 9.5
    path = write_csv(tmp_path / "runs.csv", columns(loss=losses))
    with pytest.warns(TableWarning, match=rf"\(row {place + 2}: 9.5\).*--where 'loss < ") as caught:
        Runs.read(path)
    where = str(caught[0].message).split("--where '")[1].split("'")[0]
    with pytest.warns(TableNote, match="rows left out: 1"):
        assert len(Runs.read(path, where=where)) == len(LOSS) - 1


def test_a_mapping_of_numbers_is_not_judged():
    assert len(Runs.read(columns(num_params=SIZES / 1e9))) == len(SIZES)


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("hoffmann_figure4_points.csv", {}),
        ("muennighoff_c4_runs.csv", {}),
        ("gemstones_constant_lr_checkpoints.csv", {}),
        ("busbridge_figure1_points.csv", {"loss": "student_loss"}),
        *(
            ("gadre_overtraining_runs.csv", {"num_params": "N", "num_tokens": "D", "loss": loss})
            for loss in ("loss_openlm", "loss_c4_val", "loss_paloma_ptb", "loss_paloma_c4_en")
        ),
    ],
)
def test_published_tables_are_plausible(file, names, real_runs, recwarn):
    runs = Runs.read(real_runs / file, names)
    with (real_runs / file).open() as lines:
        assert len(runs) == sum(1 for _ in csv.reader(lines)) - 1
    assert not [each for each in recwarn if each.category is TableNote]
