"""The run lab's parts: comments, windows, counts, the table and what becomes of failed runs."""

import io
import tarfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.runlab import corpus, model, optimiser, plan, summary, sweep, table
from experiments.runlab.batches import Windows, validation_windows
from experiments.runlab.comments import documents_of_comments, prose
from experiments.runlab.runs import BATCH_TOKENS, SHAPES, from_row
from experiments.runlab.worker import Folders, load_weights, save_weights

PROSE = b"The lock is held here, so that nobody else may change the list while it is read twice."


@pytest.fixture(autouse=True)
def broadcasting():
    """A transformer broadcasts its gains over the batch, which the other tests forbid."""
    with jax.numpy_rank_promotion("allow"):
        yield


def test_comments_that_are_prose_are_kept():
    assert prose(b"\n * " + PROSE[:40] + b"\n *   " + PROSE[40:] + b"\n ") is not None
    assert prose(b" too short ") is None
    assert prose(PROSE + b" Copyright (C) Somebody") is None
    assert prose(b"0x1 0x2 0x3 -> 0x4 0x5 0x6 0x7 0x8 0x9 0xa 0xb 0xc == 12, 13, 14") is None


def test_a_repeated_comment_stands_once():
    block = b"/* " + PROSE + b" */ int x;"
    documents = list(documents_of_comments([("a.c", block + block), ("b.c", block)]))
    assert documents == [("a.c", PROSE.decode())]


def test_a_tarball_becomes_disjoint_parts(tmp_path):
    path = tmp_path / "sources.tar.xz"
    with tarfile.open(path, "w:xz") as archive:
        for index in range(30):
            data = b"/* Number %d. " % index + PROSE + b" */"
            member = tarfile.TarInfo(f"{index}.c")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    made = corpus.prepare(path, tmp_path / "corpus", held_out=300)
    documents = {part: bytes(made.parts[part]).split(b"\0")[:-1] for part in corpus.PARTS}
    everything = [document for part in documents.values() for document in part]
    assert len(everything) == len(set(everything)) == 30
    assert 300 <= made.facts["symbols"]["validation"] < 300 + len(max(everything)) + 2
    assert len(documents["teacher"]) == pytest.approx(len(documents["student"]), abs=1)
    again = corpus.prepare(path, tmp_path / "again", held_out=300)
    assert again.facts == made.facts


def test_no_text_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no English text"):
        corpus.prepare(tmp_path, tmp_path / "corpus")


def test_an_epoch_reads_every_window_once():
    text = np.arange(101, dtype=np.uint8)
    windows = Windows(text, context=10, seed=3)
    read = windows.read(0, 25)  # two and a half epochs, across two seams
    assert sorted(read[:10, 0]) == sorted(read[10:20, 0]) == list(range(0, 100, 10))
    assert (read[:10] != read[10:20]).any()
    np.testing.assert_array_equal(read[:, 1:] - read[:, :-1], 1)
    np.testing.assert_array_equal(Windows(text, 10, 3).read(5, 7), read[5:12])
    assert (Windows(text, 10, 4).read(0, 10) != read[:10]).any()


def test_validation_windows_do_not_overlap():
    windows = validation_windows(np.arange(1001, dtype=np.uint32), context=10, limit=50)
    assert windows.shape == (50, 11)
    assert (np.diff(windows[:, 0]) >= 10).all()


@pytest.mark.parametrize("width", SHAPES)
def test_counts_are_those_of_the_arrays(width):
    shape = SHAPES[width]
    params = jax.eval_shape(lambda key: model.init(key, shape), jax.random.key(0))
    total = sum(leaf.size for leaf in jax.tree.leaves(params))
    assert model.num_params(shape) == total - 2 * shape.vocabulary * width
    # 2N and the head, and attention's own share on top
    least = 2 * model.num_params(shape) + 2 * shape.vocabulary * width
    assert 0.95 * least < model.forward_flops(shape) < 2 * least


def test_no_symbol_sees_what_comes_after_it():
    shape = model.Shape(layers=2, width=16, heads=2, context=12)
    params = model.init(jax.random.key(0), shape)
    params["head"] = jax.random.normal(jax.random.key(1), params["head"].shape)
    symbols = jnp.arange(12)[None, :]
    changed = symbols.at[0, 7].set(100)
    forward = jax.jit(model.forward, static_argnames="shape")
    before, after = (forward(params, each, shape=shape) for each in (symbols, changed))
    np.testing.assert_allclose(before[:, :7], after[:, :7], atol=1e-6)
    assert (jnp.abs(before[:, 7:] - after[:, 7:]).max(-1) > 1e-3).all()


def test_the_rate_warms_up_and_falls():
    rates = np.array([optimiser.rate_at(step, 1000) for step in range(1000)])
    assert rates.argmax() in (99, 100)
    assert rates[0] == pytest.approx(0.01)
    assert rates.max() == pytest.approx(1)
    assert rates[-1] == pytest.approx(optimiser.LAST_RATE, abs=1e-4)
    assert (np.diff(rates[101:]) < 0).all()


def test_weights_survive_the_disk(tmp_path):
    params = model.init(jax.random.key(0), SHAPES[16])
    save_weights(tmp_path / "run.npz", params)
    again = load_weights(tmp_path / "run.npz")
    assert jax.tree.structure(params) == jax.tree.structure(again)
    jax.tree.map(np.testing.assert_array_equal, params, again)


@pytest.mark.parametrize("name", plan.SWEEPS)
def test_plans_name_every_run_once_and_train_every_teacher(name):
    jobs = plan.SWEEPS[name]()
    runs = [run for job in jobs for run in job]
    assert len({run.name for run in runs}) == len(runs)
    earlier = [run for job in plan.first() for run in job] if name == "full" else []
    assert {run.teacher for run in runs if run.teacher} <= {*runs, *earlier}
    for job in jobs:
        assert len({(run.steps, run.half, run.seed, run.learning_rate) for run in job}) == 1
        assert plan.seconds(job) > 0


def test_a_run_is_read_back_from_its_row():
    rows = {}
    runs = [run for job in plan.first() for run in job]
    for run in runs:
        rows[run.name] = {key: str(cell) for key, cell in sweep.settings(run, rows).items()}
        rows[run.name].setdefault("teacher", "")
    assert [from_row(run.name, rows) for run in runs] == runs


def test_students_of_a_failed_teacher_are_marked_and_not_dropped(tmp_path, monkeypatch):
    class Immediate:
        """Stands in for the pool: trains nothing, and fails for teachers."""

        def __init__(self, *_, **__): ...
        def __enter__(self):
            return self

        def __exit__(self, *_): ...
        def submit(self, _function, job, _folders):
            future = sweep.Future()
            if job[0].half == "teacher":
                future.set_exception(MemoryError("no room"))
            else:
                future.set_result([{"run": run.name, "status": "ok", "loss": 2} for run in job])
            return future

    monkeypatch.setattr(sweep, "ProcessPoolExecutor", Immediate)
    path = tmp_path / "runs.csv"
    sweep.run_sweep(
        plan.smoke(), "smoke", path, Folders(tmp_path), corpus_sha256="0" * 64, workers=2
    )
    rows = table.read(path)
    assert len(rows) == sum(len(job) for job in plan.smoke())
    for row in rows:
        supervised = row["half"] == "student" and row["kind"] == "supervised"
        assert row["status"] == ("ok" if supervised else "failed")
        assert row["loss"] == ("2" if supervised else "")


def test_no_run_of_the_first_sweep_is_shorter_than_500_steps_and_the_spans_are_kept():
    runs = [run for job in plan.first() for run in job]
    supervised = [run for run in runs if run.teacher is None]
    distilled = [run for run in runs if run.teacher is not None]
    assert min(run.steps for run in runs) >= 500
    assert len(supervised) >= 25
    assert len(distilled) >= 25
    assert len({run.teacher for run in distilled}) >= 8
    sizes = [run.params for run in supervised]
    assert max(sizes) / min(sizes) > 10**1.5
    tokens = [run.steps * BATCH_TOKENS for run in supervised]
    assert max(tokens) / min(tokens) > 100
    ratios = [run.tokens / run.params for run in supervised]
    assert min(ratios) < 10
    assert max(ratios) > 500
    assert any(run.params > run.teacher.params for run in distilled)


def test_the_full_sweep_widens_the_first():
    first, both = ([run for job in jobs for run in job] for jobs in (plan.first(), plan.full()))
    both += first
    distilled = [run for run in both if run.teacher]
    assert len(both) - len(distilled) >= 60
    assert len(distilled) >= 150
    assert len({run.teacher for run in distilled}) >= 12
    assert sum(run.params > 900_000 for run in both) <= 3
    assert min(run.steps for run in both) >= 500
    repeated = {(run.shape, run.steps, run.teacher) for run in both if run.seed == 2}
    designs = {(run.shape, run.steps, run.teacher) for run in both}
    assert len(repeated) >= 0.1 * len(designs)


def test_the_noise_between_seeds_is_pooled_over_designs():
    def row(seed, loss, width=16, teacher="", status="ok"):
        cells = dict.fromkeys(summary.DESIGN, "1")
        return cells | {
            "seed": str(seed),
            "width": str(width),
            "teacher": teacher,
            "loss": str(loss),
            "status": status,
        }

    rows = [row(0, 2.0), row(1, 2.0 * np.e**0.02), row(0, 3.0, 24), row(1, 3.0, 24)]
    rows += [row(0, 5.0, 32), row(0, "", 16, status="diverged"), row(0, 2.0, 16, "t")]
    found = summary.seed_deviations(rows)
    assert [count for count, _ in found.values()] == [2, 2]
    np.testing.assert_allclose([each for _, each in found.values()], [0.02 / 2**0.5, 0], atol=1e-12)


def test_runs_on_another_text_are_not_mixed_into_a_table(tmp_path):
    path = tmp_path / "runs.csv"
    header = ",".join(table.COLUMNS)
    values = {"run": "x", "corpus_sha256": "1" * 64}
    row = ",".join(values.get(name, "") for name in table.COLUMNS)
    path.write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"another text .*11111111.* instead of 00000000"):
        sweep.run_sweep(
            plan.smoke(), "smoke", path, Folders(tmp_path), corpus_sha256="0" * 64, workers=1
        )
    assert path.read_text(encoding="utf-8") == f"{header}\n{row}\n"
