"""Train stacks of runs one after the other, on one device, until a time is up.

The models are so small that one of them leaves a GPU idle: a step takes as long as it takes to
start its kernels. Runs of one shape are therefore copies of one program, mapped over weights,
batches and lengths. All programs are compiled at the start, several at a time.
"""

import math
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import jax
import numpy as np

from experiments.predictions.plan import Stack
from experiments.runlab import corpus, model, table, training
from experiments.runlab.batches import Windows, validation_windows
from experiments.runlab.optimiser import optimiser
from experiments.runlab.runs import BATCH_WINDOWS, Run
from experiments.runlab.sweep import settings
from experiments.runlab.worker import Folders, load_weights, save_weights

STEPS_A_CALL = 50  # every run's length is a multiple of it
_COMPILERS = 6
_EVALUATED_AT_ONCE = 256


class Programs:
    """Compiled `advance_stack` by group and number of runs.

    Args:
        precision: of matrix products, a name that `jax.default_matmul_precision` takes.
    """

    def __init__(self, precision: str):
        self._precision = precision
        self._pool = ThreadPoolExecutor(_COMPILERS)
        self._programs: dict[tuple[training.Group, int], Future] = {}

    def prepare(self, group: training.Group, count: int) -> Future:
        """Begin to compile; what is begun already is not begun again."""
        key = (group, count)
        if key not in self._programs:
            self._programs[key] = self._pool.submit(self._compile, group, count)
        return self._programs[key]

    def _compile(self, group: training.Group, count: int):
        context = group.members[0].shape.context

        def spread(leaf):
            return jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype)

        weights = [
            jax.eval_shape(partial(model.init, shape=shape), jax.random.key(0))
            for shape in (group.members[0].shape, *group.teachers)
        ]
        params, *teachers = (jax.tree.map(spread, each) for each in weights)
        state = jax.tree.map(spread, jax.eval_shape(optimiser().init, weights[0]))
        data = jax.ShapeDtypeStruct((count, STEPS_A_CALL, BATCH_WINDOWS, context + 1), np.uint8)

        scalar, rate = (jax.ShapeDtypeStruct((), kind) for kind in (np.int32, np.float32))
        steps = jax.ShapeDtypeStruct((count,), np.int32)
        begin = time.monotonic()
        with jax.default_matmul_precision(self._precision):
            lowered = training.advance_stack.lower(
                (params,), (state,), tuple(teachers), data, scalar, steps, rate, group=group
            )
            program = lowered.compile()
        shape = group.members[0].shape
        zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), weights[0])
        _measure(zeros, shape, np.zeros((_EVALUATED_AT_ONCE, context + 1), np.uint8))
        _say(f"compiled width {shape.width} x {count} in {time.monotonic() - begin:.0f} s")
        return program


def train_stack(
    runs: tuple[Run, ...],
    group: training.Group,
    weights: Mapping[Run, dict],
    text: Mapping[str, np.ndarray],
    programs: Programs,
    deadline: float,
) -> Iterator[tuple[Run, dict, float]]:
    """Train the runs of a stack; give each one's parameters and seconds when it is done.

    Args:
        runs: the runs.
        group: theirs.
        weights: parameters of their teachers.
        text: the symbols of each half.
        programs: compiled programs.
        deadline: by `time.monotonic`; runs that cannot end before it are given up.
    """
    active = sorted(runs, key=lambda run: run.steps)
    params, state = ((_together(list(each)),) for each in zip(*map(_start, active), strict=True))
    teachers = (
        (_together([weights[run.teacher] for run in active if run.teacher]),)
        if group.teachers
        else ()
    )
    windows = {run: Windows(text[run.half], run.shape.context, run.seed) for run in active}
    done, running = 0, deque()
    program = programs.prepare(group, len(active)).result()
    begin, pace = time.monotonic(), math.nan
    since, counted = begin, 0
    while active:
        data = np.stack(
            [
                windows[run]
                .read(done * BATCH_WINDOWS, STEPS_A_CALL * BATCH_WINDOWS)
                .reshape(STEPS_A_CALL, BATCH_WINDOWS, -1)
                for run in active
            ]
        )
        lengths = np.array([run.steps for run in active], np.int32)
        rate = np.float32(active[0].learning_rate)
        params, state, losses = program(
            params, state, teachers, data, np.int32(done), lengths, rate
        )
        done += STEPS_A_CALL
        running.append(losses)
        if len(running) > 2:
            jax.block_until_ready(running.popleft())
            counted += STEPS_A_CALL
        if counted >= 2 * STEPS_A_CALL:
            now = time.monotonic()
            pace = (now - since) / counted
            if done % (STEPS_A_CALL * 100) == 0:
                _say(f"  step {done:,}: {1e3 * pace:.2f} ms a step")
            if not any(_fits(run, done, pace, deadline - now) for run in active):
                _say(f"no time for {', '.join(run.name for run in active)}")
                return
        ended = sum(run.steps == done for run in active)
        if ended:
            params, state = jax.device_get((params, state))
            seconds = time.monotonic() - begin
            for index, run in enumerate(active[:ended]):
                yield run, jax.tree.map(lambda leaf, at=index: leaf[at], params[0]), seconds
            active = active[ended:]
            if active:
                params, state, teachers = jax.tree.map(
                    lambda leaf, at=ended: leaf[at:], (params, state, teachers)
                )
                program = programs.prepare(group, len(active)).result()
                running.clear()
                since, counted = time.monotonic(), 0


def _fits(run: Run, done: int, pace: float, left: float) -> bool:
    return (run.steps - done) * pace < left


def train(
    planned: list[Stack],
    path: Path,
    folders: Folders,
    *,
    deadline: float,
    facts: dict[str, str],
    precision: str,
) -> None:
    """Train the runs that the table at `path` lacks, stack by stack; append each when it is done.

    Students whose teacher is not trained are left out.

    Args:
        planned: the stacks, teachers before their students.
        path: the table.
        folders: where text and parameters lie.
        deadline: by `time.monotonic`.
        facts: cells that all rows share.
        precision: of matrix products in training; losses are measured in float32.
    """
    rows = {row["run"]: row for row in table.read(path)}
    text = {name: np.array(part) for name, part in corpus.load(folders.corpus).parts.items()}
    programs = Programs(precision)
    todo = [(stack.group, tuple(r for r in stack.runs if r.name not in rows)) for stack in planned]
    for group, runs in todo:
        _prepare_all(programs, group, runs)
    weights: dict[Run, dict] = {}
    for group, missing in todo:
        for run in missing:
            of = run.teacher
            if of is not None and of not in weights and folders.weights(of).exists():
                weights[of] = load_weights(folders.weights(of))
        runs = tuple(run for run in missing if run.teacher is None or run.teacher in weights)
        if not runs or time.monotonic() > deadline:
            continue
        _say(f"{time.strftime('%H:%M:%S')} {', '.join(run.name for run in runs)}")
        for run, params, seconds in train_stack(runs, group, weights, text, programs, deadline):
            loss = held_out_loss(params, run, text)
            finite = math.isfinite(loss)
            if finite:
                weights[run] = params
                save_weights(folders.weights(run), params)
            row = settings(run, rows) | facts
            row |= {
                "status": "ok" if finite else "diverged",
                "loss": round(loss, 6) if finite else "",
                "wall_seconds": round(seconds, 1),
                "group_size": len(runs),
            }
            rows[run.name] = {key: str(value) for key, value in row.items()}
            table.append(path, [row])
            _say(f"{time.strftime('%H:%M:%S')} {run.name}: {loss:.6f}, {seconds:.0f} s")


def _prepare_all(programs: Programs, group: training.Group, runs: tuple[Run, ...]) -> None:
    """Compile for each number of runs that are left as runs end."""
    for steps in sorted({run.steps for run in runs}):
        programs.prepare(group, sum(run.steps >= steps for run in runs))


def held_out_loss(params: dict, run: Run, text: Mapping[str, np.ndarray]) -> float:
    """The loss on the held-out windows, with products in float32."""
    return _measure(params, run.shape, validation_windows(text["validation"], run.shape.context))


def _measure(params: dict, shape: model.Shape, windows: np.ndarray) -> float:
    with jax.default_matmul_precision("highest"):
        return training.evaluate(params, shape, windows, _EVALUATED_AT_ONCE)


def rehearse(planned: list[Stack], folders: Folders, precision: str, steps: int) -> Iterator[str]:
    """Compile all programs and time some steps of each stack; weights are not kept."""
    text = {name: np.array(part) for name, part in corpus.load(folders.corpus).parts.items()}
    programs = Programs(precision)
    for stack in planned:
        programs.prepare(stack.group, len(stack.runs))
    for stack in planned:
        _prepare_all(programs, stack.group, stack.runs)
    for stack in planned:
        teachers = {run.teacher for run in stack.runs if run.teacher}
        weights = {of: _start(of)[0] for of in teachers}
        programs.prepare(stack.group, len(stack.runs)).result()
        begin = time.monotonic()
        for _ in train_stack(
            tuple(_shortened(run, steps) for run in stack.runs),
            stack.group, weights, text, programs, math.inf,
        ):  # fmt: skip
            pass
        pace = (time.monotonic() - begin) / steps
        longest = max(run.steps for run in stack.runs)
        yield (
            f"{stack.part}, width {stack.runs[0].shape.width}, {len(stack.runs)} runs: "
            f"{1e3 * pace:.2f} ms a step, {pace * longest:.0f} s for {longest:,} steps"
        )


def _shortened(run: Run, steps: int) -> Run:
    return Run(run.shape, steps, half=run.half, seed=run.seed, teacher=run.teacher)


def _start(run: Run) -> tuple[dict, object]:
    """Parameters and optimiser state, drawn on the host, where small programs compile fast."""
    with jax.default_device(jax.local_devices(backend="cpu")[0]):
        params = model.init(jax.random.key(run.seed), run.shape)
        return params, optimiser().init(params)


def _together(trees: list):
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
