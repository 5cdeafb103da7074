"""`jaxlaws plan ... -o plans/`: a Parquet data set in place of a table."""

import json
import socket
import subprocess
import sys

import numpy as np
import pyarrow.dataset
import pyarrow.parquet
import pytest

from fitting import Runs, fit
from jaxlaws.cli.options.parameter_types import long_sweep
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.planning import LogSpaced

TRAIN = ("plan", "train", "--law", "besiroglu2024", "--flops")


def read(folder):
    return pyarrow.dataset.dataset(folder).to_table().to_pydict()


def write_runs(path):
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 2e9, 4), np.geomspace(2e9, 1e11, 4))
    loss = 1.8 + 480 / sizes**0.35 + 2100 / tokens**0.37
    loss *= np.exp(3e-3 * np.random.default_rng(0).normal(size=loss.shape))
    rows = np.stack([sizes, tokens, loss], axis=-1).reshape(-1, 3)
    np.savetxt(path, rows, delimiter=",", header="num_params,num_tokens,loss", comments="")


def test_the_data_set_has_the_columns_and_numbers_of_the_table(run, tmp_path):
    sweeps = ("1e18:1e26:20", "--params", "1e8:1e10:3")
    ran = run(*TRAIN, *sweeps, "-o", f"{tmp_path}/plans/", "--block-size", 25, "--json")
    assert ran.json["total"] == ran.json["written"] == 3
    assert ran.json["num_rows"] == 60
    assert "60 rows in 3 parts" in ran.err
    run(*TRAIN, *sweeps, "-o", tmp_path / "plans.parquet")
    found, table = read(tmp_path / "plans"), pyarrow.parquet.read_table(tmp_path / "plans.parquet")
    expected = table.to_pydict()
    assert list(found) == list(expected)
    for name, values in expected.items():
        if isinstance(values[0], str):
            assert found[name] == values
        else:
            np.testing.assert_allclose(
                np.array(found[name], float), np.array(values, float), rtol=1e-9, err_msg=name
            )


def test_a_second_start_continues_and_another_question_is_refused(
    run, refused, tmp_path, monkeypatch
):
    arguments = (*TRAIN, "1e18:1e26:20", "-o", tmp_path, "--block-size", 8)

    def stopped(done, total):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("jaxlaws.cli.answers.plans.data_set._progress", lambda: stopped)
        assert "has 1 part(s). The same command continues." in run(*arguments).err
    assert "wrote 2, and found 1" in run(*arguments).err
    (tmp_path / "part-000001.parquet").unlink()
    assert "wrote 1, and found 2" in run(*arguments).err
    for other in (("--params", "1B"), ("--flops-model", "transformer"), ("--flops", "1e18:1e25:9")):
        assert "another question" in refused(*arguments, *other)
    assert len(read(tmp_path)["loss"]) == 20


def test_a_row_for_each_draw(run, refused, tmp_path):
    write_runs(tmp_path / "runs.csv")
    law = tmp_path / "fit.json"
    fit(Chinchilla, Runs.read(tmp_path / "runs.csv"), num_starts=16, bootstrap=5).save(law)
    budgets = ("plan", "train", "--law", law, "--flops", "1e18:1e22:4")
    run(*budgets, "--draws", "-o", f"{tmp_path}/plans/")
    found = read(tmp_path / "plans")
    assert found["draw"] == list(range(5)) * 4
    assert len(set(found["loss"])) == 20
    assert "another question" in refused(*budgets, "-o", f"{tmp_path}/plans/")


def test_a_comparison_is_a_row_with_the_plan_of_each_strategy(run, tmp_path):
    budgets = ("--flops", "1e20:1e23:3", "--student", "1B")
    run("plan", "compare", *budgets, "-o", f"{tmp_path}/plans/")
    found = read(tmp_path / "plans")
    lines = run("plan", "compare", *budgets, "--json").json
    assert found["winner"] == lines["winner"]
    np.testing.assert_allclose(
        found["options.distil.loss"], lines["options"]["distil"]["loss"], rtol=1e-9
    )


def test_a_long_sweep_takes_no_memory():
    axis = long_sweep("1e18:1e26:100000000")
    assert axis == LogSpaced(1e18, 1e26, 10**8)
    assert isinstance(long_sweep("1e18:1e26:1000"), np.ndarray)
    with pytest.raises(ValueError, match="rises"):
        long_sweep("1e26:1e18:100000000")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("1e21", "-o", "plans/"), "nothing to sweep"),
        (("1e20:1e22:3", "--within", "0.01", "-o", "plans/"), "--within does not work"),
        (("1e20:1e22:3", "--draws", "-o", "plans/"), "no bootstrap draws"),
        (("1e20:1e22:3", "--draws"), "--draws is for a data set"),
        (("1e20:1e22:3", "--draws", "-o", "plans.csv"), "--draws is for a data set"),
        (("1e20:1e22:100000000",), "as -o plans/"),
        (("1e20:1e22:3", "-o", "gone/plans/"), "there is no folder"),
        (("1e20:1e22:3", "-o", "a_file/"), "is not a folder"),
        (("1e20:1e22:3", "-o", "."), "other files, such as 'a_file'"),
        (("1e20:1e22:3", "-o", "plans/", "--distributed", "node1:8476"), "HOST:PORT,COUNT,INDEX"),
        (("1e20:1e22:3", "-o", "plans/", "--distributed", "8476,2,0"), "HOST:PORT,COUNT,INDEX"),
        (("1e20:1e22:3", "-o", "plans/", "--distributed", "a:1,2,2"), "cannot connect"),
        (("1e20:1e22:3", "-o", "plans/", "--distributed", "auto"), "Outside SLURM"),
    ],
)
def test_what_cannot_be_written_is_said(refused, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jax._src.xla_bridge.backends_are_initialized", lambda: False)
    (tmp_path / "a_file").write_text("x")
    assert message in refused(*TRAIN, *arguments)
    assert [each.name for each in tmp_path.iterdir() if each.name != "a_file"] == []


def test_without_pyarrow_the_remedy_is_named(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    message = refused(*TRAIN, "1e20:1e22:3", "-o", f"{tmp_path}/plans/")
    assert "jaxlaws[parquet]" in message


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_processes_that_are_given_their_place(run, tmp_path, count):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*free.getsockname())
    arguments = [*TRAIN, "1e18:1e26:50", "--block-size", "7", "--json", "-o"]
    code = "import sys; from jaxlaws.cli.main import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, *arguments, str(tmp_path), "--distributed"]
    processes = [
        subprocess.Popen([*command, f"{address},{count},{index}"], stdout=subprocess.PIPE)
        for index in range(count)
    ]
    written = [json.loads(process.communicate(timeout=300)[0])["written"] for process in processes]
    assert written == [8] if count == 1 else [4, 4]
    run(*arguments, f"{tmp_path}/_alone/")
    one, other = read(tmp_path), read(tmp_path / "_alone")
    assert one["asked.flops"] == other["asked.flops"]
    for name in ("loss", "num_params", "num_tokens"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-12)
