"""`python -m experiments.step_logs`: train the runs with a log, and predict where runs end."""

from pathlib import Path

import click

from experiments.runlab import corpus, table, training
from experiments.runlab.__main__ import out_option
from experiments.runlab.batches import Windows, validation_windows
from experiments.runlab.runs import CONTEXT, LEARNING_RATE, SHAPES, STUDENT_HALF, Run
from experiments.runlab.worker import Folders, use_cache, use_one_thread
from experiments.step_logs.judgement import report

HERE = Path(__file__).parent
STEPS = HERE / "steps.csv"
COLUMNS = ["sweep", "run", "num_params", "schedule", "num_steps", "step", "loss", "corpus_sha256"]
RUNS = [
    (width, steps, schedule)
    for steps in (4000, 8000)
    for width in (16, 24, 32)
    for schedule in ("cosine", "constant")
    if (width, steps) != (32, 8000)
]
NUM_WINDOWS = 512  # of the validation text: the same at every step of every run
SEED = 4  # no bundled run has it


@click.group()
def main() -> None:
    """Train ten runs with a log of their losses, and predict the ends of unfinished runs."""


@main.command()
@out_option
def train(out: Path) -> None:
    """Train the runs that the table lacks, on one thread."""
    use_one_thread()
    use_cache(Folders(out))
    text = corpus.load(Folders(out).corpus)
    held_out = validation_windows(text.parts["validation"], CONTEXT, NUM_WINDOWS)
    rows: list[dict] = [*table.read(STEPS)]
    for width, steps, schedule in RUNS:
        run = Run(SHAPES[width], steps, seed=SEED)
        name = f"{run.name}-{schedule}"
        if any(row["run"] == name for row in rows):
            continue
        facts = {
            "sweep": "step_logs",
            "run": name,
            "num_params": run.params,
            "schedule": schedule,
            "num_steps": steps,
            "corpus_sha256": text.facts["sha256"],
        }

        def log(done: int, params: tuple, run: Run = run, facts: dict = facts) -> None:
            loss = training.evaluate(params[0], run.shape, held_out)
            rows.append(facts | {"step": done, "loss": round(loss, 6)})

        training.train(
            training.Group((training.Member(run.shape),), schedule=schedule),
            (),
            Windows(text.parts[STUDENT_HALF], CONTEXT, SEED),
            steps=steps,
            batch=run.batch,
            learning_rate=LEARNING_RATE,
            seed=SEED,
            progress=log,
        )
        table.write(STEPS, COLUMNS, rows)
        click.echo(f"{name}: {rows[-1]['loss']}")


@main.command()
def judge() -> None:
    """Print the errors of the predicted ends, and how often their intervals contain the ends."""
    click.echo(report(table.read(STEPS)))


if __name__ == "__main__":
    main()
