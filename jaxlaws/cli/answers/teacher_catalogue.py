"""`jaxlaws plan distill --teachers`: a catalogue of teachers that exist, ranked."""

import functools
from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from jaxlaws.cli.answers.draws import over_draws
from jaxlaws.cli.answers.wording import ASKED, cell, distance, why_infeasible
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.output.files import check_no_picture
from jaxlaws.cli.output.printing import give_out, print_table
from jaxlaws.cli.output.progress import patience
from jaxlaws.cli.output.table_columns import columns, known, plain_inputs, rows_left_out, shown_rows
from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.planning import plan_to_dict, rank_teachers
from jaxlaws.planning.analysis.ensembles import num_draws

_NUMBERS = ("num_teacher_params", "teacher_loss")
_ACTIVE = "num_active_params"  # of a mixture of experts


def read_catalogue(path: str) -> dict[str, Any]:
    """Names, sizes and losses of teachers, and where the table has them their active sizes.

    Raises:
        DataError: columns are missing, or cells are no positive numbers; the message names them.
        OSError: the file cannot be opened.
    """
    from fitting.data.columns import is_missing, positive_number
    from fitting.data.table_files import read_table

    table = read_table(path)
    missing = [name for name in ("name", *_NUMBERS) if name not in table.columns]
    if missing:
        raise DataError(
            f"{path} has no column {', '.join(missing)}: a catalogue of teachers has name, "
            f"num_teacher_params and teacher_loss, it has {', '.join(table.columns)}"
        )
    catalogue: dict[str, Any] = {"name": [str(name) for name in table.columns["name"]]}
    wrong = []
    for column in (*_NUMBERS, _ACTIVE):
        cells = table.columns.get(column)
        if cells is None:
            continue
        if column == _ACTIVE:  # a dense teacher is active throughout
            sizes = table.columns[_NUMBERS[0]]
            cells = [
                size if is_missing(own) else own for own, size in zip(cells, sizes, strict=True)
            ]
        values = []
        for row, value in zip(table.rows, cells, strict=True):
            try:
                values.append(positive_number(value))
            except ValueError as error:
                wrong.append(f"row {row}: {column} {error}, got {value!r}")
        catalogue[column] = values
    if wrong:
        raise DataError(f"{path}: " + "; ".join(wrong[:20]))
    return {name: np.array(values) for name, values in catalogue.items()}


def answer_catalogue(
    catalogue: Mapping[str, Any],
    asked: Mapping[str, Any],
    settings: Mapping[str, Any],
    source: Source,
    *,
    as_json: bool,
    output: str | None,
) -> None:
    """Rank the teachers for a student, or tell the best of them along a sweep.

    Raises:
        ValueError: a single budget pays for none of them, or the output is a picture.
    """
    check_no_picture(output, "a catalogue of teachers")
    forward = settings["forward_flops"]
    teachers = {name: catalogue[name] for name in _NUMBERS}
    if _ACTIVE in catalogue:
        teachers["teacher_forward_flops"] = np.asarray(forward(catalogue[_ACTIVE]))
    question = functools.partial(rank_teachers, **teachers, **settings)
    with patience("compiling the planner, which happens once …"):
        choice = question(source.law, **asked)
    single = np.ndim(choice.best) == 0
    if single and choice.best < 0:
        raise ValueError(why_infeasible(asked, forward))
    names = catalogue["name"]
    decades = source.decades(choice.plans)
    document = {
        "asked": plain_inputs(asked),
        "teachers": names.tolist(),
        "best": _best(names, choice.best).tolist(),
        "ranking": names[choice.ranking].tolist(),
        "margin": known(choice.margin),
        "gain": known(choice.gain),
        "plans": plan_to_dict(choice.plans),
        "supervised": plan_to_dict(choice.supervised),
        "extrapolation_decades": known(decades),
    }
    won = None
    if single and source.ensemble is not None:
        winners = over_draws(question, source.ensemble, asked).best
        won = {str(name): float(np.mean(winners == i)) for i, name in enumerate(names)}
        document["probabilities"] = won
    table = _table(names, asked, choice, decades)
    if not give_out(document, table, as_json=as_json, output=output):
        return
    if single:
        _print_ranking(names, asked, choice, won, source)
    else:
        _print_best(names, asked, choice, source)
    click.echo(distance(decades))


def _best(names: np.ndarray, best: Any) -> np.ndarray:
    return np.where(best < 0, "none", names[best])


def _table(
    names: np.ndarray, asked: Mapping[str, Any], choice: Any, decades: np.ndarray
) -> dict[str, list[Any]]:
    """A row for each budget or student, and each teacher."""
    shape = np.shape(choice.plans.loss)
    rank = np.argsort(choice.ranking, axis=-1) + 1
    given = {
        name: np.broadcast_to(np.asarray(value)[..., None], shape)
        for name, value in asked.items()
        if name != "num_student_params"  # the plan has it
    }
    given["flops"] = given.pop("flops")
    plans = plan_to_dict(choice.plans)
    spent = {"flops_spent": plans.pop("flops")}
    document = {
        **{name: values.ravel().tolist() for name, values in given.items()},
        "teacher": np.broadcast_to(names, shape).ravel().tolist(),
        "rank": rank.ravel().tolist(),
        **_raveled({**plans, **spent}, shape),
        "extrapolation_decades": np.ravel(np.array(known(decades), dtype=object)).tolist(),
    }
    return columns(document, int(np.prod(shape)))


def _raveled(document: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        name: _raveled(value, shape)
        if isinstance(value, Mapping)
        else np.ravel(np.array(value, dtype=object)).tolist()
        for name, value in document.items()
    }


def _print_ranking(
    names: np.ndarray,
    asked: Mapping[str, Any],
    choice: Any,
    won: Mapping[str, float] | None,
    source: Source,
) -> None:
    plans = choice.plans
    rows = [
        [
            str(names[place]),
            cell("size", plans.num_teacher_params[place]),
            cell("loss", plans.teacher_loss[place]),
            cell("tokens", plans.num_student_tokens[place]),
            cell("logits", plans.shares.logits[place]),
            cell("loss", plans.loss[place]),
            *([f"{won[str(names[place])]:.0%}"] if won else []),
        ]
        for place in choice.ranking
    ]
    alone = choice.supervised
    tokens, loss = cell("tokens", alone.num_tokens), cell("loss", alone.loss)
    rows.append(["none, trained alone", "–", "–", tokens, "–", loss, *(["–"] if won else [])])
    heads = ["teacher", "parameters", "its loss", "student tokens", "for its logits", "loss"]
    student = format_quantity(asked["num_student_params"])
    print_table(
        f"teachers for a student of {student}, {format_quantity(asked['flops'])} FLOPs, "
        f"law {source.name}",
        [*heads, *(["draws won"] if won else [])],
        rows,
    )
    best = names[choice.best]
    if choice.gain >= 0:
        click.echo(f"Best: {best}, {choice.gain:.4f} below training alone.")
    else:
        click.echo(f"Of these {best} is best, but training alone ends {-choice.gain:.4f} lower.")
    if won:
        click.echo(f"Best among the teachers in {won[str(best)]:.0%} of the fit's "
                   f"{num_draws(source.ensemble)} draws.")  # fmt: skip


def _print_best(names: np.ndarray, asked: Mapping[str, Any], choice: Any, source: Source) -> None:
    swept = [name for name in asked if np.ndim(asked[name])]
    best = _best(names, choice.best)
    losses = np.take_along_axis(choice.plans.loss, choice.ranking[..., :1], axis=-1)[..., 0]
    rows = [
        [
            *(cell(name, asked[name][row]) for name in swept),
            str(best[row]),
            cell("loss", losses[row]),
            cell("margin", choice.margin[row]),
            cell("loss", choice.supervised.loss[row]),
        ]
        for row in shown_rows(len(best))
    ]
    heads = [*(ASKED[name] for name in swept), "best teacher", "loss", "ahead of the next by"]
    print_table(
        f"the best teacher, law {source.name}",
        [*heads, "trained alone"],
        rows,
        note=rows_left_out(len(rows), len(best), "choices"),
    )
