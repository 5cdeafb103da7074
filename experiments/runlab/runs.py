"""A run: all settings that determine its loss."""

from dataclasses import dataclass

from experiments.runlab.model import Shape, forward_flops, num_params

CONTEXT = 128
BATCH_WINDOWS = 4
BATCH_TOKENS = CONTEXT * BATCH_WINDOWS
LEARNING_RATE = 0.01
SCHEDULE = "cosine"
TEACHER_HALF = "teacher"
STUDENT_HALF = "student"

SHAPES = {  # by width: layers and heads
    width: Shape(layers=layers, width=width, heads=heads, context=CONTEXT)
    for width, layers, heads in [
        (16, 2, 1),
        (24, 2, 1),
        (32, 3, 2),
        (48, 3, 2),
        (64, 4, 2),
        (80, 4, 2),
        (96, 4, 3),
        (128, 5, 4),
    ]
}


@dataclass(frozen=True)
class Run:
    """One model to train. Runs with equal half, steps, batch, seed and rate can share a group.

    Attributes:
        shape: the shape of the model.
        steps: number of training steps.
        half: the half of the training documents that is read.
        seed: seed of the parameters and of the order of the windows.
        teacher: the run that this one is distilled from, or None for supervised training.
        learning_rate: peak of the schedule at the base width.
        batch: number of windows in a step.
    """

    shape: Shape
    steps: int
    half: str = STUDENT_HALF
    seed: int = 0
    teacher: "Run | None" = None
    learning_rate: float = LEARNING_RATE
    batch: int = BATCH_WINDOWS

    @property
    def batch_tokens(self) -> int:
        """Number of training symbols in a step."""
        return self.batch * self.shape.context

    @property
    def tokens(self) -> int:
        """Number of training symbols."""
        return self.steps * self.batch_tokens

    @property
    def name(self) -> str:
        """A readable and unique name, made of all settings that differ between runs."""
        kind = {TEACHER_HALF: "t", STUDENT_HALF: "s"}[self.half]
        name = f"{kind}-d{self.shape.width}-{self.steps}"
        if self.learning_rate != LEARNING_RATE:
            name += f"-lr{self.learning_rate:g}"
        if self.batch != BATCH_WINDOWS:
            name += f"-b{self.batch}"
        if self.seed:
            name += f"-seed{self.seed}"
        return name if self.teacher is None else f"{name}-from-{self.teacher.name}"

    @property
    def training_flops(self) -> float:
        """FLOPs of the run's own training, `3 F(N) D`, without its teacher's logits."""
        return 3 * forward_flops(self.shape) * self.tokens

    @property
    def logit_flops(self) -> float:
        """FLOPs of the teacher's forward passes for this run."""
        return forward_flops(self.teacher.shape) * self.tokens if self.teacher else 0.0

    @property
    def params(self) -> int:
        """Number of non-embedding parameters."""
        return num_params(self.shape)


Job = tuple[Run, ...]  # runs that are trained together, on the same batches


def supervised(width: int, steps: int, *, seed: int = 0) -> Job:
    """Return a job with one supervised run on the students' half."""
    return (Run(SHAPES[width], steps, seed=seed),)


def teacher(width: int, steps: int) -> Run:
    """Return a supervised run on the teachers' half."""
    return Run(SHAPES[width], steps, half=TEACHER_HALF)


def students(of: Run, widths: list[int], steps: int, *, seed: int = 0) -> Job:
    """Return a job with students of one teacher, whose logits are computed once for all."""
    return tuple(Run(SHAPES[width], steps, seed=seed, teacher=of) for width in widths)


def from_row(name: str, rows: dict[str, dict[str, str]]) -> Run:
    """Return the run of a row in the table, with its teacher, from the settings in the rows.

    Args:
        name: name of the run.
        rows: rows of the table by name.
    """
    row = rows[name]
    shape = Shape(
        layers=int(row["layers"]),
        width=int(row["width"]),
        heads=int(row["heads"]),
        vocabulary=int(row["vocabulary"]),
        context=int(row["context"]),
    )
    return Run(
        shape,
        int(row["steps"]),
        half=row["half"],
        seed=int(row["seed"]),
        teacher=from_row(row["teacher"], rows) if row["teacher"] else None,
        learning_rate=float(row["learning_rate"]),
        batch=int(row["batch_tokens"]) // shape.context,
    )
