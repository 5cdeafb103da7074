"""The program text that gives the numbers of a view."""

import re
from collections.abc import Sequence
from decimal import Decimal

from jaxlaws.cli.explorer.charts import Code
from jaxlaws.cli.explorer.laws import ShownLaw
from jaxlaws.cli.explorer.view import Given


def value(number: float) -> str:
    """A number in program text: short, and the same number.

    >>> value(1e21), value(3.2e9), value(0.25)
    ('1e21', '3.2e9', '0.25')
    """
    if 1e-3 <= abs(number) < 1e5 and float(f"{number:g}") == number:
        return f"{number:g}"
    return f"{Decimal(repr(float(number))).normalize():e}".replace("e+", "e")


def code_of(
    given: Given,
    body: Sequence[str],
    shell: Sequence[str],
    *,
    functions: str,
    law: ShownLaw | None = None,
    supervised: bool = False,
    draws: bool = False,
) -> Code:
    """The code of a view.

    Args:
        given: the state of the view.
        body: Python lines after the imports and the loading of the law.
        shell: command lines.
        functions: the names that the lines import from `jaxlaws.planning`, with commas between.
        law: the law, that of the control if not given.
        supervised: whether the lines use the supervised law of a distillation law.
        draws: whether the lines use the draws of the law, as `draws`.
    """
    law = law or given.law
    loading = [f"law = {law.loading}"]
    if supervised and hasattr(law.source.law, "supervised"):
        loading = [f"law = {law.loading}.supervised"]
    if draws:
        loading.append(f"draws = {law.loading_draws}")
    used = "\n".join([*loading, *body])

    def called(names: Sequence[str], end: str) -> str:
        return ", ".join(name for name in names if re.search(rf"\b{name}{end}", used))

    sources = {
        "fitting": called(["FitResult", "Runs", "fit", "predict"], r"[.(]"),
        "jaxlaws": called(["compute", "presets", "saving"], r"\."),
        "jaxlaws.planning": functions,
    }
    packages = {"import jax": r"\bjax\.", "import numpy as np": r"\bnp\."}
    lines = [line for line, pattern in packages.items() if re.search(pattern, used)]
    lines += [""] if lines else []
    lines += [f"from {name} import {names}" for name, names in sources.items() if names]
    return Code("\n".join([*lines, "", *loading, *body]) + "\n", "\n".join(shell) + "\n")


def model_option(given: Given) -> str:
    """The option `--flops-model`, where it is not the default."""
    return "" if given["flops_model"] == "2n" else f" --flops-model {given['flops_model']}"


def model_keyword(given: Given) -> str:
    """The keyword `forward_flops`, where it is not the default."""
    return "" if given["flops_model"] == "2n" else f", forward_flops=compute.{given.model_name}"
