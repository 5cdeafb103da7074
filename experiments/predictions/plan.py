"""The runs that are predicted, in the order in which they are trained.

The protocol is that of the bundled runs: the same text, optimiser, batch, context and learning
rate. Only size, length and teacher are new. No run reads a symbol twice.

Runs of one shape, whose teachers also have one shape, make a stack: they are trained at once.
"""

from dataclasses import dataclass

from experiments.runlab import training
from experiments.runlab.model import Shape, forward_flops, num_params
from experiments.runlab.runs import BATCH_TOKENS, SHAPES, STUDENT_HALF, TEACHER_HALF, Run

WIDER = SHAPES | {
    width: Shape(layers=layers, width=width, heads=heads)
    for width, layers, heads in [(160, 5, 5), (192, 6, 6), (256, 6, 8)]
}


@dataclass(frozen=True)
class Stack:
    """Runs of one shape that are trained at once; each reads its own batches.

    Attributes:
        part: which question the runs answer, a key of the README's tables.
        runs: the runs; lengths may differ.
    """

    part: str
    runs: tuple[Run, ...]

    @property
    def group(self) -> training.Group:
        """The group that `training.advance_stack` copies."""
        teacher = self.runs[0].teacher
        member = training.Member(self.runs[0].shape, None if teacher is None else 0)
        return training.Group((member,), () if teacher is None else (teacher.shape,))


def run(width: int, steps: int, *, seed: int = 0, teacher: Run | None = None) -> Run:
    """A run on the students' half."""
    return Run(WIDER[width], steps, half=STUDENT_HALF, seed=seed, teacher=teacher)


def teacher(width: int, steps: int) -> Run:
    """A supervised run on the teachers' half."""
    return Run(WIDER[width], steps, half=TEACHER_HALF)


STRONGEST = teacher(192, 40_000)


@dataclass(frozen=True)
class Option:
    """One side of a comparison: what is trained, and what its teacher costs beside it.

    Attributes:
        runs: the same run with several seeds; the option's loss is their mean.
        num_students: students that share the budget (and the teacher, if there is one).
    """

    runs: tuple[Run, ...]
    num_students: int

    @property
    def flops(self) -> float:
        """Cost of all students, of their teacher's logits, and of one training of the teacher."""
        first = self.runs[0]
        cost = self.num_students * (first.training_flops + first.logit_flops)
        return cost + (first.teacher.training_flops if first.teacher else 0.0)


@dataclass(frozen=True)
class Question:
    """What `compare` is asked; the sizes and lengths below are those of its plan, rounded."""

    flops: float
    num_students: int
    largest_width: int | None
    options: dict[str, Option]


def _seeds(count: int, width: int, steps: int, teacher: Run | None = None) -> tuple[Run, ...]:
    return tuple(run(width, steps, seed=seed, teacher=teacher) for seed in range(count))


def _steps(flops: float, width: int, teacher: Run | None = None) -> int:
    """Steps that cost `flops`, with the logits of a teacher, to the next 50."""
    cost = 3 * forward_flops(WIDER[width])
    cost += forward_flops(teacher.shape) if teacher else 0.0
    return 50 * round(flops / (cost * BATCH_TOKENS * 50))


_ONE_TEACHER = teacher(128, 17_000)
_SHARED_TEACHER = teacher(96, 39_000)


def _one_student() -> Question:
    """One model of any size for 1e14 FLOPs: `compare` says to train."""
    flops = 1e14
    for_student = flops - _ONE_TEACHER.training_flops
    taught = _steps(for_student, 160, _ONE_TEACHER)
    return Question(
        flops,
        1,
        None,
        {
            "train": Option(_seeds(2, 160, _steps(flops, 160)), 1),
            "distil": Option(_seeds(2, 160, taught, _ONE_TEACHER), 1),
        },
    )


def _many_students() -> Question:
    """64 models of width 96 for 4.7e14 FLOPs: `compare` says to distil from one teacher."""
    flops, count = 4.7e14, 64
    each = (flops - _SHARED_TEACHER.training_flops) / count
    alone = flops / count
    taught = _steps(each, 96, _SHARED_TEACHER)
    return Question(
        flops,
        count,
        96,
        {
            "train": Option(_seeds(3, 80, _steps(alone, 80)), count),
            "overtrain": Option(_seeds(3, 96, _steps(alone, 96)), count),
            "distil": Option(_seeds(3, 96, taught, _SHARED_TEACHER), count),
        },
    )


QUESTIONS = {"one student": _one_student(), "64 students": _many_students()}


def stacks() -> list[Stack]:
    """All runs; those of most worth for their time first, and teachers before their students."""
    one, many = (QUESTIONS[name].options for name in ("one student", "64 students"))
    return [
        Stack(
            "larger",
            (STRONGEST, *_seeds(2, 192, 40_000), run(192, 20_000), run(192, 10_000)),
        ),
        Stack(
            "stronger teacher",
            (*_seeds(2, 64, 16_000, STRONGEST), *_seeds(2, 64, 4_000, STRONGEST)),
        ),
        Stack(
            "overtrained",
            (*_seeds(2, 96, 62_000), _SHARED_TEACHER, *many["overtrain"].runs),
        ),
        Stack("64 students", many["distil"].runs),
        Stack("64 students", many["train"].runs),
        Stack("larger", (_ONE_TEACHER, run(128, 17_000), run(128, 40_000))),
        Stack("one student", one["distil"].runs),
        Stack("one student", one["train"].runs),
        Stack(
            "stronger teacher",
            (*_seeds(2, 32, 16_000, STRONGEST), *_seeds(2, 32, 4_000, STRONGEST)),
        ),
        Stack("stronger teacher", _seeds(2, 96, 8_000, STRONGEST)),
        Stack("stronger teacher", (run(160, 16_000, teacher=STRONGEST),)),
        Stack("overtrained", _seeds(2, 64, 62_000)),
        Stack("larger", (run(256, 20_000),)),
    ]


def part_of(run: Run, stack: Stack) -> str:
    """The question that a run answers: a run of a comparison belongs to it."""
    for name, question in QUESTIONS.items():
        if any(run in option.runs for option in question.options.values()):
            return name
    return stack.part


def describe(stack: Stack) -> str:
    """A line on what a stack costs."""
    longest = max(each.steps for each in stack.runs)
    flops = sum(each.training_flops + each.logit_flops for each in stack.runs)
    size = num_params(stack.runs[0].shape)
    count = len(stack.runs)
    return (
        f"{stack.part}: {count} runs of {size:,} parameters, at most {longest:,} steps; "
        f"{flops:.2g} FLOPs"
    )
