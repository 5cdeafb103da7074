"""What the bundled runs say of runs that nobody has trained: a loss, and its 90% interval."""

from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from experiments.predictions.plan import QUESTIONS, Stack, part_of
from experiments.runlab.runs import Run
from fitting import FitResult, Runs, bundled_runs, fit, predict
from fitting.data.runs import RunKind
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised

LEVEL = 0.9
COLUMNS = [
    "date", "part", "run", "fit", "predicted", "low", "high",
    "num_params", "num_tokens", "teacher", "teacher_predicted", "flops", "logit_flops",
    "times_largest",
]  # fmt: skip


class Fits(NamedTuple):
    """What a prediction needs of the fits.

    Attributes:
        law: the distillation law, which holds the supervised law.
        draws: the same from the bootstrap; each leaf has a leading axis.
        supervised_noise: log residuals of the supervised runs that were fitted.
        distilled_noise: those of the distilled runs.
    """

    law: DistillationLimit
    draws: DistillationLimit
    supervised_noise: np.ndarray
    distilled_noise: np.ndarray


def all_runs(kind: RunKind) -> Runs:
    """All bundled runs of a kind."""
    return bundled_runs(kind)


def larger_half(kind: RunKind) -> Runs:
    """The half of the bundled runs of a kind that took the most FLOPs to train."""
    runs = bundled_runs(kind)
    flops = runs.inputs["flops"]
    return runs.where(flops >= np.median(flops))


RECORD = "all runs"  # the prediction of record
TABLES = {RECORD: all_runs, "larger half": larger_half}


def fitted(name: str, draws: int, num_starts: int, folder: Path) -> Fits:
    """Fit both laws to the bundled runs that `TABLES` names, or load such a fit from `folder`.

    The same options give the same fit each time.
    """
    alone, taught = (TABLES[name](kind) for kind in ("supervised", "distilled"))
    path = folder / f"{name.replace(' ', '_')}-{draws}-{num_starts}.json"
    return fits_to(alone, taught, draws, num_starts, path)


def fits_to(alone: Runs, taught: Runs, draws: int, num_starts: int, path: Path) -> Fits:
    """Fit both laws to supervised and distilled runs, or load such a fit from `path`."""
    if path.exists():
        distilled = FitResult.load(path)
    else:
        supervised = fit(Supervised, alone, num_starts=num_starts, bootstrap=draws)
        distilled = fit(
            DistillationLimit,
            taught,
            freeze={"supervised": supervised},
            num_starts=num_starts,
            bootstrap=draws,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        distilled.save(path)
    noise = [
        np.log(runs.loss / predict(law, runs.inputs))
        for law, runs in ((distilled.law.supervised, alone), (distilled.law, taught))
    ]
    return Fits(distilled.law, distilled.usable_ensemble(), *noise)


def losses(run: Run, fits: Fits, teacher_loss: float | None = None) -> tuple[float, np.ndarray]:
    """The loss of one run: what the laws predict, and `(draws,)` for its interval.

    A draw is a pair of laws from the bootstrap, times the exponential of one residual of the
    fitted runs. So the spread holds the uncertainty of the coefficients and the scatter of single
    runs about the fitted law (their seeds, and what the law misses among the fitted runs). It does
    not hold what the law misses beyond them.

    Args:
        run: the run.
        fits: the laws.
        teacher_loss: its teacher's measured loss; None: predicted, draw by draw.
    """
    count = len(jax.tree.leaves(fits.draws)[0])
    random = np.random.default_rng([run.steps, run.params])  # the same for all seeds
    size, tokens = float(run.params), float(run.tokens)
    if run.teacher is None:
        inputs: dict[str, object] = {"num_params": size, "num_tokens": tokens}
        noise = random.choice(fits.supervised_noise, count)
        predicted = predict(fits.law.supervised, inputs)
        return float(predicted), predict(fits.draws.supervised, inputs) * np.exp(noise)
    inputs = {"num_student_params": size, "num_student_tokens": tokens}
    of, of_draws = (teacher_loss, teacher_loss)
    if teacher_loss is None:
        of, of_draws = losses(run.teacher, fits)
    noise = random.choice(fits.distilled_noise, count)
    predicted = predict(fits.law, inputs | {"teacher_loss": of})
    drawn = predict(fits.draws, inputs | {"teacher_loss": of_draws})
    return float(predicted), drawn * np.exp(noise)


def interval(drawn: np.ndarray) -> tuple[float, float]:
    """The central interval of `LEVEL`."""
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def rows(stacks: list[Stack], name: str, fits: Fits, date: str) -> list[dict]:
    """One row a run, for `predictions.csv`."""
    largest = float(np.max(bundled_runs().inputs["flops"]))
    made = []
    for stack in stacks:
        for run in stack.runs:
            predicted, drawn = losses(run, fits)
            low, high = interval(drawn)
            row = {
                "date": date,
                "part": part_of(run, stack),
                "run": run.name,
                "fit": name,
                "predicted": f"{predicted:.6f}",
                "low": f"{low:.6f}",
                "high": f"{high:.6f}",
                "num_params": run.params,
                "num_tokens": run.tokens,
                "flops": f"{run.training_flops:.4g}",
                "logit_flops": f"{run.logit_flops:.4g}",
                "times_largest": f"{run.training_flops / largest:.2f}",
            }
            if run.teacher is not None:
                of, _ = losses(run.teacher, fits)
                row |= {"teacher": run.teacher.name, "teacher_predicted": f"{of:.6f}"}
            made.append(row)
    return made


def winners(fits: Fits) -> list[str]:
    """For each comparison a line: the predicted loss of each option, and the share of draws won."""
    lines = []
    for name, question in QUESTIONS.items():
        found = {key: losses(each.runs[0], fits) for key, each in question.options.items()}
        drawn = np.stack([draws for _, draws in found.values()])
        won = np.bincount(drawn.argmin(axis=0), minlength=len(found)) / drawn.shape[1]
        options = ", ".join(
            f"{key} {found[key][0]:.4f} (first in {share:.0%} of draws)"
            for key, share in zip(found, won, strict=True)
        )
        lines.append(f"{name}, {question.flops:.2g} FLOPs: {options}")
    return lines
