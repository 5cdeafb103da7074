"""Plans as a data set in one process: rows, draws, the manifest, and what is refused."""

import errno
import functools
import json
import os
import time

import jax
import numpy as np
import pyarrow.dataset
import pyarrow.parquet
import pytest

from jaxlaws import DataError, presets
from jaxlaws.planning import (
    FREE_TEACHER,
    LogSpaced,
    Mixture,
    Record,
    compute_optimal,
    distill,
    over_draws,
    train_fixed,
    write_plans,
)
from jaxlaws.planning.large_sweeps import data_set
from jaxlaws.planning.large_sweeps.description import described

LAW = presets.load("besiroglu2024")
BUDGETS = {"flops": LogSpaced(1e18, 1e26, 20)}


def read(folder):
    return pyarrow.dataset.dataset(folder).to_table().to_pydict()


def test_numbers_on_a_log_scale():
    axis = LogSpaced(3.0, 7e9, 1001)
    np.testing.assert_allclose(np.asarray(axis), np.geomspace(3.0, 7e9, 1001), rtol=1e-14)
    assert (axis[0], axis[1000], len(axis)) == (3.0, 7e9, 1001)
    with pytest.raises(IndexError):
        axis[1001]
    with pytest.raises(ValueError, match="rises"):
        LogSpaced(2.0, 1.0, 5)


def test_the_rows_are_the_plans_of_a_sweep(tmp_path):
    sizes = np.array([1e8, 1e9, 1e10])
    inputs = BUDGETS | {"num_params": sizes, "num_inference_tokens": 1e9}
    written = write_plans(train_fixed, LAW, inputs, tmp_path / "plans", block_size=7)
    assert (written.written, written.found, written.total, written.num_rows) == (9, 0, 9, 60)
    found = read(tmp_path / "plans")
    flops, sizes = np.repeat(np.geomspace(1e18, 1e26, 20), 3), np.tile(sizes, 20)
    plan = train_fixed(LAW, flops=flops, num_params=sizes, num_inference_tokens=1e9)
    frame = plan.to_frame().to_pydict()
    assert list(found) == [*(f"asked.{name}" for name in inputs), *frame]
    np.testing.assert_allclose(found["asked.flops"], flops, rtol=1e-14)
    np.testing.assert_array_equal(found["asked.num_params"], sizes)
    assert found["status"] == frame["status"]
    for name in ("num_tokens", "loss", "flops", "shares.serving"):
        # Where a plan is infeasible both are missing.
        np.testing.assert_allclose(
            np.array(found[name], float), np.array(frame[name], float), rtol=1e-12
        )
    assert None in found["loss"]


def test_a_row_for_each_draw(tmp_path):
    draws = jax.tree.map(lambda leaf: leaf[:3], presets.ensemble("busbridge2025_refit"))
    question = functools.partial(distill, num_student_params=1e9, scenario=FREE_TEACHER)
    write_plans(question, draws, BUDGETS, tmp_path, block_size=25)
    found = read(tmp_path)
    assert found["draw"] == [0, 1, 2] * 20
    expected = over_draws(question, draws, {"flops": np.geomspace(1e18, 1e26, 20)})
    np.testing.assert_allclose(found["loss"], expected.loss.T.ravel(), rtol=1e-12)
    assert json.loads((tmp_path / "_manifest.json").read_text())["draws"] == 3


def test_a_mixture_is_one_law(tmp_path):
    draws = jax.tree.map(lambda leaf: leaf[:3], presets.ensemble("busbridge2025_refit"))
    question = functools.partial(distill, num_student_params=1e9, scenario=FREE_TEACHER)
    mixture = Mixture(laws=draws)
    write_plans(question, mixture, BUDGETS, tmp_path)
    expected = question(mixture, flops=np.geomspace(1e18, 1e26, 20))
    np.testing.assert_allclose(read(tmp_path)["loss"], expected.loss, rtol=1e-12)


def with_a_second_axis(law, *, flops):
    return Record(loss=np.stack([flops, 2 * flops], axis=1), ratio=2.0)


def test_a_second_axis_is_a_list(tmp_path):
    write_plans(with_a_second_axis, LAW, {"flops": [1.0, 2.0]}, tmp_path)
    found = read(tmp_path)
    assert found["loss"] == [[1.0, 2.0], [2.0, 4.0]]
    assert found["ratio"] == [2.0, 2.0]


def test_the_manifest_says_what_was_planned(tmp_path):
    question = functools.partial(train_fixed, num_params=1e9)
    write_plans(question, LAW, BUDGETS, tmp_path, block_size=8)
    manifest = json.loads((tmp_path / "_manifest.json").read_text())
    assert manifest["num_rows"] == pyarrow.dataset.dataset(tmp_path).count_rows() == 20
    assert (manifest["block_size"], manifest["num_parts"]) == (8, 3)
    assert manifest["question"]["function"].endswith("train_fixed")
    assert manifest["question"]["settings"] == {"num_params": 1e9}
    assert manifest["inputs"]["flops"]["count"] == 20
    assert manifest["versions"]["jax"] == jax.__version__
    assert len(manifest["law"]["sha256"]) == 64


FIXED = functools.partial(train_fixed, num_params=1e9)
OTHERS = {
    "law": (FIXED, presets.load("hoffmann2022"), BUDGETS, 8),
    "question": (functools.partial(train_fixed, num_params=2e9), LAW, BUDGETS, 8),
    "inputs": (FIXED, LAW, {"flops": LogSpaced(1e18, 1e25, 20)}, 8),
    "num_rows": (FIXED, LAW, {"flops": LogSpaced(1e18, 1e26, 21)}, 8),
    "block_size": (FIXED, LAW, BUDGETS, 9),
}


@pytest.mark.parametrize("differing", OTHERS)
def test_another_question_is_refused(tmp_path, differing):
    write_plans(FIXED, LAW, BUDGETS, tmp_path, block_size=8)
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    question, law, inputs, block_size = OTHERS[differing]
    with pytest.raises(DataError, match=rf"another question, which differs in .*{differing}"):
        write_plans(question, law, inputs, tmp_path, block_size=block_size)
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_another_version_is_refused(tmp_path, monkeypatch):
    write_plans(FIXED, LAW, BUDGETS, tmp_path)
    monkeypatch.setattr("jaxlaws.__version__", "0.0.0")
    with pytest.raises(DataError, match="differs in versions"):
        write_plans(FIXED, LAW, BUDGETS, tmp_path)


def test_two_first_starts_at_once_agree_on_one_question(tmp_path, monkeypatch):
    """Another process makes its manifest after this one has seen that there is none."""
    other = functools.partial(train_fixed, num_params=3e9)
    write_plans(other, LAW, BUDGETS, tmp_path)
    exists, manifest = data_set.Path.exists, tmp_path / "_manifest.json"
    for each in tmp_path.glob("part*"):
        each.unlink()
    monkeypatch.setattr(
        data_set.Path, "exists", lambda path: path.name != manifest.name and exists(path)
    )
    with pytest.raises(DataError, match="differs in question"):
        write_plans(FIXED, LAW, BUDGETS, tmp_path)
    assert json.loads(manifest.read_text())["question"]["settings"] == {"num_params": 3e9}
    assert [each.name for each in tmp_path.iterdir()] == [manifest.name]


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "runs.csv").write_text("loss\n")
    with pytest.raises(DataError, match=r"other files, such as 'runs.csv'"):
        write_plans(FIXED, LAW, BUDGETS, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["runs.csv"]


def test_a_part_of_another_data_set_is_refused(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, size in ((one, 1e9), (two, 2e9)):
        question = functools.partial(train_fixed, num_params=size)
        write_plans(question, LAW, BUDGETS, folder, block_size=8)
    (two / "part-000001.parquet").rename(one / "part-000001.parquet")
    with pytest.raises(DataError, match=r"part-000001.parquet is a part of another data set"):
        write_plans(FIXED, LAW, BUDGETS, one, block_size=8)


def test_parts_that_are_missing_or_cut_are_written_again(tmp_path):
    write_plans(FIXED, LAW, BUDGETS, tmp_path, block_size=5)
    before = read(tmp_path)
    whole = tmp_path / "part-000003.parquet"
    (tmp_path / "part-000000.parquet").unlink()
    whole.write_bytes(whole.read_bytes()[:-20])  # as after a loss of power
    (tmp_path / "part-000001.parquet").write_bytes(b"")
    done = []
    written = write_plans(
        FIXED, LAW, BUDGETS, tmp_path, block_size=5, on_part=lambda *part: done.append(part)
    )
    assert (written.written, written.found) == (3, 1)
    assert done == [(2, 4), (3, 4), (4, 4)]
    assert read(tmp_path) == before


def test_a_full_disk_loses_no_part(tmp_path, monkeypatch):
    def write(table, where, original=pyarrow.parquet.write_table):
        if "part-000002" in where.name:
            where.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        original(table, where)

    with monkeypatch.context() as patched:
        patched.setattr(pyarrow.parquet, "write_table", write)
        with pytest.raises(OSError, match=r"part-000002.parquet: .*No space left.* same command"):
            write_plans(FIXED, LAW, BUDGETS, tmp_path, block_size=5)
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"_manifest.json", "part-000000.parquet", "part-000001.parquet"}
    assert write_plans(FIXED, LAW, BUDGETS, tmp_path, block_size=5).found == 2


def test_temporary_files_are_ignored_and_removed_when_old(tmp_path):
    write_plans(FIXED, LAW, BUDGETS, tmp_path, block_size=5)
    before, hours = read(tmp_path), time.time() - 7200
    old = [".part-000002.parquet.abcd1234.tmp", "._manifest.json.0123456789abcdef.tmp"]
    others = [".part-000001.parquet.efgh5678.tmp", ".notes.tmp"]
    for name in (*old, *others):
        (tmp_path / name).write_text("half")
        if name != others[0]:  # which another process may be writing
            os.utime(tmp_path / name, (hours, hours))
    assert read(tmp_path) == before
    assert write_plans(FIXED, LAW, BUDGETS, tmp_path, block_size=5).written == 0
    hidden = {each.name for each in tmp_path.iterdir() if each.name.startswith(".")}
    assert hidden == set(others)


def test_equal_questions_have_equal_descriptions():
    lists = [np.arange(100.0), np.arange(100.0), np.arange(1.0, 101.0)]
    one, same, other = (described({"axis": each}) for each in lists)
    assert one == same != other
    assert described([None, True, 1, "a", float("inf"), (2.0,)]) == [
        None, True, 1, "a", "inf", [2.0],
    ]  # fmt: skip
    assert described(np.float64(2.5)) == described(np.array(2.5)) == 2.5


@pytest.mark.parametrize(
    ("question", "inputs", "error", "message"),
    [
        (lambda law, *, flops: flops, BUDGETS, TypeError, "cannot name"),
        (compute_optimal, {"flops": 1e21}, ValueError, "nothing to sweep"),
        (compute_optimal, {"flops": np.ones((2, 2))}, ValueError, "one dimension"),
        (compute_optimal, {"flops": []}, ValueError, "one dimension"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, question, inputs, error, message):
    with pytest.raises(error, match=message):
        write_plans(question, LAW, inputs, tmp_path / "plans")
    assert not (tmp_path / "plans").exists()


def test_a_block_has_rows(tmp_path):
    with pytest.raises(ValueError, match="block_size must be at least 1"):
        write_plans(FIXED, LAW, BUDGETS, tmp_path, block_size=0)


def test_inside_a_trace_nothing_is_written(tmp_path):
    def traced(flops):
        write_plans(FIXED, LAW, {"flops": flops}, tmp_path)
        return flops

    with pytest.raises(TypeError, match="outside `jit`"):
        jax.jit(traced)(np.ones(3))


def test_without_pyarrow_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(data_set, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"jaxlaws\[parquet\]"):
        write_plans(FIXED, LAW, BUDGETS, tmp_path)
