"""A verb that is killed while it writes leaves the old file or the new file, never a part of one.

Real processes repeat a verb until they are killed, at a random time after the temporary file of a
write appears.
"""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import numpy as np
import pyarrow.parquet as pq
import pytest

from fitting import FitResult, Runs, fit
from jaxlaws.foundations.atomic_files import atomic_write
from jaxlaws.laws.chinchilla import Chinchilla

SWEEP = ("plan", "train", "--law", "besiroglu2024", "--flops", "1e18:1e26:20000", "-o")
DRAWN = ("plan", "train", "--law", "besiroglu2024", "--flops", "1e18:1e26:20", "-o")
CASES = {
    "fit.json": ("fit", "runs.csv", "--law", "chinchilla", "--starts", "16", "-o"),
    "plans.csv": SWEEP,
    "plans.parquet": SWEEP,
    "plans.svg": DRAWN,
    "plans.png": DRAWN,
    "plans.pdf": DRAWN,
    "page.html": ("report", "saved.json", "--table", "runs.csv", "-o"),
    "rolled.svg": (
        *("validate", "runs.csv", "--law", "chinchilla", "--starts", "16", "--roll-out", "flops"),
        *("--windows", "1", "--freeze", "E=1.8", "--figure"),
    ),
    "demo": ("demo", "--bootstrap", "20", "-o"),
}
REPEATED = """
import sys
from jaxlaws.cli.main import main
while True:
    try:
        main(sys.argv[1:], standalone_mode=False)
    except SystemExit as end:
        assert end.code == 0, end.code
    print("written", flush=True)
"""


def check_whole(path):
    """Check that a file is complete, by its end or by reading it."""
    content = path.read_bytes()
    if path.suffix == ".json":
        FitResult.load(path)
    elif path.suffix == ".csv":
        with path.open() as file:
            rows = list(csv.reader(file))
        assert len(rows) == 20001
        assert {len(row) for row in rows} == {len(rows[0])}
    elif path.suffix == ".parquet":
        assert pq.read_table(path).num_rows == 20000
    elif path.suffix == ".svg":
        ET.fromstring(content)
    elif path.suffix == ".html":
        assert content.endswith(b"</html>\n")
    else:
        end = {".png": b"IEND\xaeB`\x82", ".pdf": b"%%EOF\n", ".md": b"\n"}[path.suffix]
        assert content.endswith(end) or path.suffix == ".md"


def temporary_files(folder):
    return [each.name for each in folder.iterdir() if each.name.endswith(".tmp")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    axes = np.geomspace(1e8, 2e9, 5), np.geomspace(2e9, 1e11, 4)
    sizes, tokens = (grid.ravel() for grid in np.meshgrid(*axes))
    loss = 1.8 + 480 / sizes**0.35 + 2100 / tokens**0.37
    loss *= np.exp(3e-3 * np.random.default_rng(0).normal(size=20))
    rows = zip(sizes.tolist(), tokens.tolist(), loss.tolist(), strict=True)
    lines = ["num_params,num_tokens,loss", *(",".join(map(repr, row)) for row in rows)]
    (folder / "runs.csv").write_text("\n".join(lines))
    result = fit(Chinchilla, Runs.read(folder / "runs.csv"), num_starts=16, bootstrap=8)
    result.save(folder / "saved.json")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_killed_verb_leaves_whole_files(folder, name):
    rng = random.Random(name)
    inside = folder / name if name == "demo" else folder
    writer = None
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", REPEATED, *CASES[name], name],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert writer.stdout is not None
        while (line := writer.stdout.readline()) != "written\n":
            assert line, writer.communicate()[1]
        before = set(temporary_files(inside))
        limit = time.monotonic() + 60
        while not set(temporary_files(inside)) - before:
            assert time.monotonic() < limit
        time.sleep(rng.choice([0.0, rng.uniform(0, 0.003), rng.uniform(0, 0.1)]))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.communicate()
        written = [each for each in inside.iterdir() if each.name == name or name == "demo"]
        assert written
        for path in written:
            if not path.name.startswith("."):
                check_whole(path)
    left = [each for each in inside.iterdir() if each.name.startswith(".")]
    assert all(each.name.endswith(".tmp") for each in left)


def test_a_later_write_removes_what_a_killed_one_left(tmp_path):
    path, hours = tmp_path / "plans.csv", time.time() - 7200
    abandoned = [".plans.csv.abcd1234.tmp", ".plans.csv.a_b_c_d_.tmp"]
    others = [".plans.csv.tmp", ".plans.csv.abcd1234", ".other.csv.abcd1234.tmp", "plans.csv.x.tmp"]
    for name in (*abandoned, *others, ".plans.csv.recent00.tmp"):
        (tmp_path / name).write_text("half")
        if "recent" not in name:
            os.utime(tmp_path / name, (hours, hours))
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps("whole"))
    assert path.read_text() == '"whole"'
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"plans.csv", ".plans.csv.recent00.tmp", *others}


def test_a_long_name_is_written(tmp_path):
    path = tmp_path / ("é" * 120 + ".csv")
    with atomic_write(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"
