"""`jaxlaws report`: from its options to the file of a report."""

import dataclasses
import datetime
import shlex
from pathlib import Path

import numpy as np

from fitting import (
    FitOptions,
    FitResult,
    Runs,
    fit,
    fit_limit_form,
    hold_out,
    lowest_losses,
    to_page,
)
from fitting.reporting.data_sections import FitSource
from fitting.reporting.pages import Part, Picture, to_markdown
from jaxlaws import presets, saving
from jaxlaws.cli.answers.pipeline import COMMAND
from jaxlaws.cli.answers.report.parts import in_short, parts_of
from jaxlaws.cli.answers.report.saved_plans import is_saved_plan, plan_again
from jaxlaws.cli.answers.report.subject import Subject
from jaxlaws.cli.options.fitting_options import FitInputs
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.reading_options import ABOUT, TableOptions
from jaxlaws.cli.output.files import write_text
from jaxlaws.cli.output.progress import patience, seconds_of_fits
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.atomic_files import atomic_write
from jaxlaws.foundations.json_text import read_json_file
from jaxlaws.foundations.quantities import format_flops, format_quantity
from jaxlaws.saving import law_class_name

# Options of a fit that the command which repeats it takes from the file of the fit.
_BY_LIKE = (
    "objective", "num_starts", "starts", "resample", "cluster", "weights", "freeze", "tie",
    "bounds", "priors",
)  # fmt: skip
_FEWEST = 12  # runs, of which a quarter can be held out


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """The options of `jaxlaws report`; see there."""

    subject: str
    table: str | None = None
    law_name: str | None = None
    bootstrap: int = 100
    flops: Array | None = None
    student: float | None = None
    num_inference_tokens: float = 0.0
    reading: TableOptions = dataclasses.field(default_factory=lambda: TableOptions({}, {}))
    level: float = 0.9
    output: str = "report.html"


def write(request: Request) -> str:
    """Write the report, and return its answer in a line.

    Raises:
        DataError: the file is neither a fit, nor a table of runs.
        ValueError: the law has no plan for the budget.
        OSError: a file cannot be read or written.
    """
    subject = _subject(request)
    with patience("planning and drawing …", expected=40):
        answer, parts = in_short(subject), parts_of(subject, level=request.level)
    _write(request.output, parts, subject.title)
    return answer


def _write(path: str, parts: list[Part], title: str) -> None:
    if Path(path).suffix != ".md":
        write_text(path, to_page(parts, title))
        return
    stem = Path(path).stem
    named = [
        dataclasses.replace(each, name=f"{stem}-{each.name}") if isinstance(each, Picture) else each
        for each in parts
    ]
    for each in named:
        if isinstance(each, Picture):
            with atomic_write(Path(path).with_name(f"{each.name}.svg")) as temporary:
                temporary.write_bytes(each.svg)
    write_text(path, to_markdown(named))


def _subject(request: Request) -> Subject:
    """The subject of a preset, of a saved plan, of a fit, or of a table of runs."""
    name, given = request.subject, request.flops
    fits, commands = [], []
    saved = None
    if name in presets.names():
        source = Source(name)
    elif Path(name).suffix == ".json" and is_saved_plan(document := read_json_file(name)):
        if given is not None or request.student or request.num_inference_tokens:
            raise ValueError(f"{name} has its budget and sizes: leave out --flops and --student")
        saved = plan_again(name, document)
        source = saved.source
        if source.name not in presets.names() and "fit" in _keys(source.name):
            fits = _fits_of(request, FitResult.load(source.name), source.name)
        commands = [f"{document[COMMAND]} > {shlex.quote(name)}"]
    elif Path(name).suffix == ".json" and "law" in _keys(name):
        result = FitResult.load(name)
        fits, source = _fits_of(request, result, name), Source(name)
        if table := request.table or result.reading.get("table"):
            commands = [_fitting_command(result, table, request.reading, name)]
    else:
        result, runs = _fitted(request)
        fits = _with_runs(result, runs, name, _today())
        source = Source.of_fit(result, Path(name).name)
        commands = [_fitting_command(result, name, request.reading, "fit.json")]
    swept = given is not None and np.ndim(given) > 0
    flops, student = None if swept or given is None else float(given), request.student
    if saved is not None and not saved.swept:
        flops, student = saved.inputs.get("flops"), saved.inputs.get("num_student_params")
    return Subject(
        title=f"{type(source.law).__name__}: {Path(name).name}",
        source=source,
        fits=fits,
        flops=flops,
        sweep=np.asarray(given) if swept else None,
        num_student_params=student,
        num_inference_tokens=request.num_inference_tokens,
        commands=[*commands, _command(request)],
        saved=saved,
    )


def _keys(path: str) -> set[str]:
    return set(saving.read_json(path))


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def _fitted(request: Request) -> tuple[FitResult, Runs]:
    """A fit to the table of runs that was given in place of a fit."""
    inputs = FitInputs(request.subject, request.law_name, request.reading, {})
    name, law_type, runs, _ = inputs.read()
    message, expected = (
        f"fitting {name} to {request.subject} …",
        seconds_of_fits(1, request.bootstrap),
    )
    with patience(message, at_once=True, expected=expected):
        result = fit(law_type, runs, bootstrap=request.bootstrap)
        if request.law_name is None and (limit := fit_limit_form(result, runs)) is not None:
            result = limit
    return result, runs


def _fits_of(request: Request, result: FitResult, name: str) -> list[FitSource]:
    """A saved fit and its stages, with the runs of `--table`."""
    stored, date = (str(result.reading.get(key, "")) for key in ABOUT)
    table = request.table
    if table is None:
        return [
            FitSource(result=each, name=law_class_name(type(each.law)), table=stored, date=date)
            for each in (*result.stages.values(), result)
        ]
    runs = request.reading.after(result.reading).read(table, type(result.law))
    return _with_runs(result, runs, table, date)


def _with_runs(result: FitResult, runs: Runs, table: str, date: str) -> list[FitSource]:
    """A fit and its stages with their runs, and the errors on a quarter of the runs held out."""
    found = []
    for each in (*result.stages.values(), result):
        kind = type(each.law)
        own = runs.whole()
        own = own if kind is type(result.law) else own.of_inputs(kind.input_names)
        called = own.for_law(kind)
        held = []
        if len(called) >= _FEWEST and called.loss.ndim == 1:
            once = each.options.replaced(bootstrap=0, jackknife=False, throw=False)
            message = f"fitting {kind.__name__} again without a quarter of the runs …"
            with patience(message, expected=seconds_of_fits(1)):
                mask = lowest_losses(called)
                name = "the quarter with the lowest losses"
                held = [hold_out(kind, called, mask, name=name, options=once)]
        found.append(
            FitSource(
                result=each,
                name=law_class_name(kind),
                runs=own,
                table=Path(table).name,
                date=date,
                hold_outs=held,
            )
        )
    return found


def _fitting_command(result: FitResult, table: str, reading: TableOptions, path: str) -> str:
    """The shell line that makes the file of a fit."""
    words = ["jaxlaws", "fit", table, "--law", law_class_name(type(result.law))]
    options, usual = result.options, FitOptions()
    changed = [n for n in _BY_LIKE if str(getattr(options, n)) != str(getattr(usual, n))]
    words += ["--like", path] if changed else []
    words += ["--bootstrap", str(options.bootstrap), "--seed", str(options.seed)]
    words += ["--roll-out", result.roll_out["by"]] if result.roll_out else []
    return shlex.join([*words, *reading.after(result.reading).as_words(), "-o", path])


def _command(request: Request) -> str:
    """The shell line of this report."""
    words = ["jaxlaws", "report", request.subject]
    flops = request.flops
    if flops is not None and np.ndim(flops):
        words += ["--flops", f"{format_flops(flops[0])}:{format_flops(flops[-1])}:{len(flops)}"]
    elif flops is not None:
        words += ["--flops", format_flops(float(flops), 6)]
    options = {
        "--table": request.table,
        "--law": request.law_name,
        "--student": request.student and format_quantity(request.student, 6),
        "--inference-tokens": request.num_inference_tokens
        and format_quantity(request.num_inference_tokens, 6),
        "--bootstrap": str(request.bootstrap) if request.bootstrap != Request.bootstrap else None,
        "--level": request.level if request.level != Request.level else None,
    }
    words += [word for name, value in options.items() if value for word in (name, str(value))]
    words += request.reading.as_words()
    return shlex.join([*words, "-o", request.output])
