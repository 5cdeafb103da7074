"""Several processes write one data set, and are killed; every row is there once in the end."""

import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.dataset
import pyarrow.parquet
import pytest
from large_sweeps import writing_process
from large_sweeps.writing_process import BLOCK_SIZE, INPUTS, LAW, NUM_PARTS, NUM_ROWS


def start(folder, count):
    """The processes that write the data set, which find each other on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, writing_process.__file__, str(folder)]
    return [
        subprocess.Popen([*command, str(port), str(count), str(index)], stderr=subprocess.PIPE)
        for index in range(count)
    ]


def end(processes):
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()


def parts(folder):
    return sorted(each for each in folder.glob("*") if each.name[0] not in "._")


def check_rows(folder):
    """Check that the folder has each row once, with the numbers of the formula in NumPy."""
    assert [each.name for each in parts(folder)] == [
        f"part-{part:06}.parquet" for part in range(NUM_PARTS)
    ]
    table = pyarrow.dataset.dataset(folder).to_table().to_pydict()
    flops, sizes = (np.asarray(axis) for axis in INPUTS.values())
    expected = [(budget, size) for budget in flops for size in sizes]
    rows = zip(table["asked.flops"], table["asked.num_params"], strict=True)
    assert sorted(rows) == sorted(expected)
    size, tokens = np.array(table["asked.num_params"]), np.array(table["asked.flops"])
    tokens = tokens / (6 * size)
    loss = LAW.E + LAW.A * size**-LAW.alpha + LAW.B * tokens**-LAW.beta
    np.testing.assert_allclose(table["loss"], loss, rtol=1e-12)


def check_parts(folder):
    """Check that every part that can be seen is whole."""
    for each in parts(folder):
        begin = int(re.findall(r"\d+", each.name)[0]) * BLOCK_SIZE
        count = min(BLOCK_SIZE, NUM_ROWS - begin)
        assert pyarrow.parquet.read_table(each).num_rows == count


def kill_one_of_two(folder, rng):
    """Kill one of two processes at a random moment of its writing, and a little later the other.

    One of them may have written all of its parts already.
    """
    processes = start(folder, 2)
    until = len(parts(folder)) + rng.randrange(1, 10)
    limit = time.monotonic() + 120
    while len(parts(folder)) < until:
        assert time.monotonic() < limit
        ended = [each.poll() for each in processes]
        assert None in ended
        assert set(ended) <= {None, 0}
        time.sleep(0.003)
    rng.shuffle(processes)
    for process in processes:  # a scheduler ends the other processes of a job
        time.sleep(rng.uniform(0, 0.01))
        process.send_signal(signal.SIGKILL)
    for process in processes:
        process.communicate()
    assert {-signal.SIGKILL} <= {each.returncode for each in processes} <= {-signal.SIGKILL, 0}


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_processes_share_the_rows(tmp_path, count):
    end(start(tmp_path, count))
    check_rows(tmp_path)
    alone = tmp_path / "_alone"
    assert writing_process.write(alone).written == NUM_PARTS
    for one, other in zip(parts(tmp_path), parts(alone), strict=True):
        assert pyarrow.parquet.read_table(one).equals(pyarrow.parquet.read_table(other))


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_processes_lose_and_double_nothing(tmp_path, kills):
    rng = random.Random(kills)
    for _ in range(kills):
        kill_one_of_two(tmp_path, rng)
        check_parts(tmp_path)
    written = {each: each.stat().st_mtime_ns for each in parts(tmp_path)}
    assert 0 < len(written) < NUM_PARTS
    writing_process.write(tmp_path)  # with another number of processes, one
    check_rows(tmp_path)
    assert all(each.stat().st_mtime_ns == when for each, when in written.items())
    left = [each.name for each in Path(tmp_path).iterdir() if each.name.startswith(".")]
    assert all(re.fullmatch(r"\.part-\d{6}\.parquet\.\w{8}\.tmp", each) for each in left)
