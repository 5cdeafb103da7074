"""The charts and the table of the view of the supervised law."""

from collections.abc import Mapping

import numpy as np

from jaxlaws.cli.explorer import wording
from jaxlaws.cli.explorer.charts import (
    Axis,
    Bars,
    Column,
    Lines,
    Map,
    Mark,
    Part,
    Scale,
    Series,
    Table,
    axis_around,
)
from jaxlaws.planning import SupervisedPlan

SIZES, TOKENS = (1e7, 1e12), (1e8, 1e14)
XS, YS = np.geomspace(*SIZES, 61), np.geomspace(*TOKENS, 49)
CURVE = np.geomspace(*SIZES, 121)
OTHER_BUDGETS = (0.01, 0.1, 10.0, 100.0)  # IsoFLOP curves, times the budget of the user's point

_OTHERS = f"{', '.join(f'{factor:g}' for factor in OTHER_BUDGETS)} times that compute"


def surface_map(
    here: dict[str, float],
    here_loss: float,
    surface: np.ndarray,
    curves: dict[float, np.ndarray],
    plans: SupervisedPlan,
    unit: str,
    fitted: Mapping[str, tuple[float, float]],
) -> Map:
    """The loss over size and tokens."""
    low, high = float(np.min(surface)), float(np.quantile(surface, 0.9))
    lines = [
        Series(
            name="compute of your model" if factor == 1 else _OTHERS,
            role="here",
            style="line" if factor == 1 else "dashed",
            x=CURVE,
            y=tokens,
        )
        for factor, tokens in curves.items()
    ]
    order = np.argsort(plans.num_params)
    optima = Series(
        name="compute-optimal",
        role="optimum",
        x=plans.num_params[order],
        y=plans.num_tokens[order],
    )
    return Map(
        id="surface",
        title="Loss over size and tokens",
        alt=f"Loss by size and tokens. Your model, {wording.size(here['num_params'])} and "
        f"{wording.tokens(here['num_tokens'])}, has {wording.loss(here_loss, unit)}.",
        x=Axis("Size", "parameters", "log", *SIZES),
        y=Axis("Tokens", "tokens", "log", *TOKENS),
        xs=XS,
        ys=YS,
        z=surface,
        value=Scale(label="Loss", unit=wording.loss_unit(unit), min=low, max=high, extends="max"),
        lines=[*lines, optima],
        marks=[Mark(here["num_params"], here["num_tokens"], "you are here")],
        beyond=wording.is_beyond(
            {"num_params": XS, "num_tokens": YS[:, None]}, fitted, surface.shape
        ),
        pick={"x": "num_params", "y": "num_tokens"},
    )


def isoflop_chart(
    here: dict[str, float],
    here_loss: float,
    spent: float,
    losses: np.ndarray,
    best: dict[str, float],
    unit: str,
    fitted: tuple[float, float] | None,
) -> Lines:
    """The loss of every size at equal compute."""
    order = np.argsort([1.0, *OTHER_BUDGETS])
    factors = np.array([1.0, *OTHER_BUDGETS])
    return Lines(
        id="isoflop",
        title="Loss of every size at equal compute",
        alt=f"Loss by size at {wording.flops(spent)}: lowest, {wording.loss(best['loss'], unit)}, "
        f"at {wording.size(best['num_params'])}; your model has {wording.number(here_loss)}.",
        x=Axis("Size", "parameters", "log", *SIZES),
        y=axis_around(
            "Loss", wording.loss_unit(unit), [[here_loss, best["loss"]], losses.min(axis=1)], 0.4
        ),
        series=[
            Series(
                name=wording.flops(float(factors[index]) * spent),
                role=f"size{place}",
                x=CURVE,
                y=losses[index],
            )
            for place, index in enumerate(order)
        ],
        marks=[
            Mark(best["num_params"], best["loss"], "best for this compute", "optimum"),
            Mark(here["num_params"], here_loss, "you are here"),
        ],
        regions=wording.outside(*SIZES, fitted),
    )


def parts_bars(parts: dict[str, float], here_loss: float, unit: str) -> Bars:
    """What the loss consists of."""
    shares = ", ".join(f"{name} {wording.percent(v / here_loss)}" for name, v in parts.items())
    return Bars(
        id="parts",
        title="What the loss consists of",
        alt=f"Parts of a loss of {wording.loss(here_loss, unit)}: {shares}.",
        categories=["your model"],
        value=Axis("Loss", wording.loss_unit(unit), "linear", 0.0, here_loss),
        parts=[
            Part(name, role, [part])
            for (name, part), role in zip(parts.items(), ("serving", "law1", "law2"), strict=True)
        ],
    )


def model_table(
    here: dict[str, float],
    here_loss: float,
    spent: float,
    best: dict[str, float],
    parts: dict[str, float],
    unit: str,
) -> Table:
    """The user's model and the best one."""
    rows = [
        ("your model", here["num_params"], here["num_tokens"], spent, here_loss),
        ("best for this compute", best["num_params"], best["num_tokens"], spent, best["loss"]),
    ]
    return Table(
        title="Your model and the best one",
        columns=[
            Column("model"),
            Column("size", "parameters"),
            Column("tokens", "tokens"),
            Column("compute", "FLOPs"),
            Column("loss", wording.loss_unit(unit)),
        ],
        rows=[
            [name, wording.count(n), wording.count(d), wording.power(c), wording.number(each)]
            for name, n, d, c, each in rows
        ],
    )
