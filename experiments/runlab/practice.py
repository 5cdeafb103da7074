"""Study of the settings of distillation: one setting is changed at a time.

Each student has a row in a separate table, which is written as soon as the student is measured. A
student with a row is not trained again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.runlab import corpus, table, training
from experiments.runlab.batches import Windows, validation_windows
from experiments.runlab.closeness import MEASURES, measure
from experiments.runlab.recipes import DEFAULT, Recipe
from experiments.runlab.runs import BATCH_WINDOWS, Run, students
from experiments.runlab.worker import Folders, load_weights, train_job

WINDOWS = 512
KEYS = ("teacher", "width", "steps", "seed", "recipe")
COLUMNS: list[str] = [*KEYS, *MEASURES]


class Lesson(NamedTuple):
    """A student, its teacher, and the settings of its distillation."""

    student: Run
    teacher: Run
    recipe: Recipe

    @property
    def key(self) -> tuple[str, ...]:
        """The cells that identify the row."""
        run = self.student
        settings = (self.teacher.name, run.shape.width, run.steps, run.seed, self.recipe.name)
        return tuple(str(each) for each in settings)


TOP_ONE = replace(DEFAULT, top_k=1)
VARIATIONS = (
    DEFAULT,
    *(replace(DEFAULT, temperature=tau) for tau in (0.5, 2.0, 4.0)),
    *(replace(DEFAULT, mixing=share) for share in (0.0, 0.5, 0.9)),
    *(replace(DEFAULT, top_k=k) for k in (1, 4, 16)),
    *(replace(DEFAULT, top_p=p) for p in (0.5, 0.9)),
    replace(DEFAULT, top_k=4, mixing=0.7),
    replace(DEFAULT, direction="reverse"),
    replace(DEFAULT, match_logits=True),
)


def lessons(weak_to_strong: list[Run], width: int, steps: int) -> list[Lesson]:
    """Return the planned students.

    Every teacher has a student of its full distribution and one of its likeliest symbol. The
    weakest and the strongest teacher have a student for every variation.
    """
    few = [(each, recipe) for each in weak_to_strong for recipe in (DEFAULT, TOP_ONE)]
    ends = (weak_to_strong[-1], weak_to_strong[0])
    all_ways = [(each, recipe) for each in ends for recipe in VARIATIONS]
    return [
        Lesson(students(teacher, [width], steps)[0], teacher, recipe)
        for teacher, recipe in dict.fromkeys(few + all_ways)
    ]


def practise(planned: list[Lesson], path: Path, folders: Folders) -> Iterator[dict[str, str]]:
    """Train and measure the students that are not in the table at `path`; yield each new row."""
    rows = table.read(path)
    text = corpus.load(folders.corpus).parts
    for lesson in planned:
        if any(tuple(row[name] for name in KEYS) == lesson.key for row in rows):
            continue
        found = _learn(lesson, text, folders)
        cells = {name: f"{value:.6f}" for name, value in found.items()}
        rows.append(dict(zip(KEYS, lesson.key, strict=True)) | cells)
        table.write(path, COLUMNS, rows)
        yield rows[-1]


def _learn(lesson: Lesson, text: Mapping[str, np.ndarray], folders: Folders) -> dict[str, float]:
    run, teacher, recipe = lesson
    if not folders.weights(teacher).exists():
        train_job((teacher,), folders)
    weights = load_weights(folders.weights(teacher))
    (student,) = training.train(
        training.Group((training.Member(run.shape, 0, recipe),), (teacher.shape,)),
        (weights,),
        Windows(text[run.half], run.shape.context, run.seed),
        steps=run.steps,
        batch=BATCH_WINDOWS,
        learning_rate=run.learning_rate,
        seed=run.seed,
    )
    held_out = validation_windows(text["validation"], run.shape.context, WINDOWS)
    return measure((student, run.shape), (weights, teacher.shape), held_out)
