"""The result of a fit for the page: the law for all views, charts, tables, files."""

import dataclasses
import html
import shlex
import threading
from datetime import date
from pathlib import Path

import numpy as np

from fitting import (
    FitResult,
    HoldOut,
    Runs,
    caveats_of,
    fit,
    hold_out,
    lowest_losses,
)
from fitting.data.runs import KINDS
from fitting.reporting.fit_summary import coefficients_in_short
from fitting.validation.hold_outs import error_summary
from jaxlaws import laws
from jaxlaws.cli.explorer.charts import (
    Code,
    Column,
    Table,
    plain,
)
from jaxlaws.cli.explorer.laws import Laws, ShownLaw
from jaxlaws.cli.explorer.runs.fit_charts import Fit, residuals, runs_and_law
from jaxlaws.cli.explorer.runs.fit_jobs import FitRequest
from jaxlaws.cli.explorer.runs.uploads import Upload, Uploads
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.reading_options import TableOptions
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.law import Law

_HELD_OUT = 0.2  # the share of the runs, those with the lowest losses


class Fitter:
    """Makes the results of fits, and adds the fitted laws to those of the views.

    Args:
        uploads: the tables.
        shown: the laws of the views.
        folder: where the files of fits are written.
    """

    def __init__(self, uploads: Uploads, shown: Laws, folder: Path) -> None:
        self._uploads, self._laws, self._folder = uploads, shown, folder
        self._reported: dict[str, tuple[str, Upload]] = {}  # what a report needs, by request
        self._reporting = threading.Lock()

    def file(self, law: str, kind: str) -> Path:
        """A file of a fit to send, which is made when it is wanted.

        Raises:
            ValueError: there is no such fit, or no such file.
        """
        names = {"law": "fit.json", "report": "report.html", "command": "fit.sh"}
        folder = self._folder / law.removeprefix("fit:")
        if kind not in names or not law.removeprefix("fit:").isalnum() or not folder.is_dir():
            raise ValueError("download: this server has no such file; start the fit again")
        path = folder / names[kind]
        if kind == "report":
            with self._reporting:
                if not path.exists():
                    _report(folder, *self._reported[folder.name])
        return path

    def run(self, request: FitRequest) -> dict[str, Json]:
        """Fit a law and describe the fit.

        Raises:
            DataError: the table has no runs for the law.
            ValueError: the request names no law or table.
        """
        if request.law not in laws.law_types():
            raise ValueError(f"law: {request.law[:50]!r} is not a law that can be fitted")
        upload, law_type = self._uploads[request.table], laws.law_types()[request.law]
        needed = {*law_type.input_names, "loss"}
        if law_type.input_names == KINDS["distilled"]:
            needed |= set(KINDS["supervised"])
        columns = {role: title for role, title in request.columns.items() if role in needed}
        runs, reported = upload.runs(columns, law_type)
        result = fit(law_type, runs, bootstrap=request.draws)
        found = Fit(request, upload, law_type, runs.for_law(law_type), result, reported)
        code = _code(found, columns)
        reading = {"columns": columns, "table": upload.name, "date": date.today().isoformat()}
        folder = self._folder / request.id
        folder.mkdir(exist_ok=True)
        dataclasses.replace(result, reading=reading).save(folder / "fit.json")
        (folder / "fit.sh").write_text(code.shell, encoding="utf-8")
        law = ShownLaw(
            value=f"fit:{request.id}",
            label=f"{law_type.__name__} of {upload.name}",
            help=f"{law_type.__name__} fitted to {len(found.runs)} runs of {upload.name}.",
            source=Source(str(folder / "fit.json")),
            file="fit.json",
            runs=runs.whole(),
        )
        self._reported[request.id] = (request.law, upload)
        held = _hold_out(law_type, runs)
        self._laws.add(law)
        return self._to_json(found, held, code, law)

    def _to_json(
        self, found: Fit, held: HoldOut | str, code: Code, law: ShownLaw
    ) -> dict[str, Json]:
        determined = [
            f"The runs determine all {len(found.result.identifiability.names)} coefficients."
        ]
        notes = [*found.reported, *caveats_of(found.result)]
        notes += found.result.identifiability.notes or determined
        notes += [held] if isinstance(held, str) else []
        tables = [_coefficients(found.result)]
        tables += [] if isinstance(held, str) else [_held_out(held)]
        files = {"law": "Law (JSON)", "report": "Report (HTML)", "command": "Command (shell)"}
        href = "/api/download?law={}&file={}"
        return plain(
            {
                "law": law.value,
                "sentence": _sentence(found, held),
                "notes": list(dict.fromkeys(notes)),
                "charts": [runs_and_law(found), residuals(found)],
                "tables": tables,
                "code": code,
                "downloads": [
                    {"label": label, "href": href.format(law.value, kind)}
                    for kind, label in files.items()
                ],
            }
        )


def _hold_out(law_type: type[Law], runs: Runs) -> HoldOut | str:
    """The fit to the runs of higher loss, which predicts the others; or why there is none."""
    own = runs.for_law(law_type)
    names = f"the {_HELD_OUT:.0%} of the runs with the lowest losses"
    try:
        return hold_out(law_type, own.whole(), _lowest(own.whole(), law_type), name=names)
    except (ValueError, TypeError) as error:
        return f"No runs were held out: {error}."


def _lowest(runs: Runs, law_type: type[Law]) -> np.ndarray:
    """The mask of the lowest losses among the runs that the law describes."""
    has = np.all([np.isfinite(runs.inputs[name]) for name in law_type.input_names], axis=0)
    if "teacher_loss" in runs.inputs and "teacher_loss" not in law_type.input_names:
        has &= ~np.isfinite(runs.inputs["teacher_loss"])
    mask = np.zeros(len(runs), dtype=bool)
    mask[np.flatnonzero(has)[lowest_losses(runs.where(has), _HELD_OUT)]] = True
    return mask


def _sentence(found: Fit, held: HoldOut | str) -> str:
    errors = error_summary(found.errors)
    words = (
        f"{found.law_type.__name__} describes {len(found.runs)} runs with a mean error of "
        f"{errors['mean']:.2g}% (worst {errors['worst']:.2g}%)"
    )
    if not isinstance(held, str):
        unseen = error_summary(held.errors["law"])
        words += (
            f"; fitted without the {len(held.unseen)} runs of lowest loss, it predicts them "
            f"with a mean error of {unseen['mean']:.2g}%"
        )
    status = found.result.status.name
    return f"{words}." + ("" if status == "CONVERGED" else f" The fit ended as {status}.")


def _coefficients(result: FitResult) -> Table:
    short = coefficients_in_short(result)
    return Table("Coefficients", [Column(head) for head in short.heads], short.rows)


def _held_out(held: HoldOut) -> Table:
    rows = []
    for name, errors in held.errors.items():
        found = error_summary(errors)
        rows.append([name, *(f"{found[each]:.2f}" for each in ("mean", "median", "worst"))])
    return Table(
        f"Errors on {held.name}, which this fit did not see",
        [Column("predicted by"), *(Column(each, "%") for each in ("mean", "median", "worst"))],
        rows,
    )


def _code(found: Fit, columns: dict[str, str]) -> Code:
    kind, table = found.law_type, found.upload.name
    mapping = ", ".join(f"{role!r}: {title!r}" for role, title in columns.items())
    options = " ".join(f"--column {shlex.quote(f'{r}={t}')}" for r, t in columns.items())
    python = [
        "from fitting import Runs, fit",
        f"from {kind.__module__} import {kind.__name__}",
        "",
        f"runs = Runs.read({table!r}, {{{mapping}}}, {kind.__name__})",
        f"result = fit({kind.__name__}, runs, bootstrap={found.request.draws})",
        'result.save("fit.json")',
        "print(result.summary())",
    ]
    name = shlex.quote(table if not table.startswith("-") else f"./{table}")
    shell = (
        f"jaxlaws fit {name} --law {found.request.law} {options} "
        f"--bootstrap {found.request.draws} -o fit.json"
    )
    return Code("\n".join(python) + "\n", shell + "\n")


def _report(folder: Path, law: str, upload: Upload) -> None:
    """Write the report of a saved fit, as `jaxlaws report` writes it."""
    from jaxlaws.cli.answers.report.writing import Request, write  # imports Matplotlib

    output = folder / "report.html"
    write(
        Request(
            subject=str(folder / "fit.json"),
            table=str(upload.path),
            law_name=law,
            bootstrap=0,
            flops=None,
            student=None,
            num_inference_tokens=0.0,
            reading=TableOptions({}, {}),
            level=0.9,
            output=str(output),
        )
    )
    text = output.read_text(encoding="utf-8")
    names = {str(upload.path): upload.name, f"{folder}/": "", upload.path.name: upload.name}
    for path, name in names.items():
        text = text.replace(html.escape(path), html.escape(name))
    output.write_text(text, encoding="utf-8")
