"""`jaxlaws presets`: the published laws, or all that is known of one."""

from typing import Any

import click

from jaxlaws.cli.options.parameter_types import json_option
from jaxlaws.cli.output.printing import print_json, print_table


def _coefficients(law: Any) -> dict[str, float]:
    import jax

    from jaxlaws.foundations.law import coefficient_names

    return dict(zip(coefficient_names(law), jax.tree.leaves(law), strict=True))


def _as_dict(name: str) -> dict[str, Any]:
    from jaxlaws import presets

    preset = presets.describe(name)
    return {
        "name": name,
        "law": type(preset.law).__name__,
        "mark": preset.mark.value,
        "source": preset.source,
        "digits": preset.digits,
        "counts": preset.counts,
        "loss_unit": preset.loss_unit,
        "data": preset.data,
        "coefficients": _coefficients(preset.law),
        "interval_level": preset.interval_level,
        "intervals": preset.intervals and dict(preset.intervals),
        "fitted_range": preset.fitted_range and dict(preset.fitted_range),
        "draws": preset.draws is not None,
        "note": preset.note,
    }


def _print_one(preset: dict[str, Any]) -> None:
    from jaxlaws.foundations.quantities import format_quantity

    intervals = preset["intervals"] or {}
    level = preset["interval_level"]
    rows = [
        (name, f"{value:.6g}", *(f"{end:.6g}" for end in intervals.get(name, ())))
        for name, value in preset["coefficients"].items()
    ]
    columns = ["coefficient", "value"]
    if level:
        columns += [f"low ({level:.0%})", "high"]
        rows = [row if len(row) == 4 else (*row, "", "") for row in rows]
    print_table(f"{preset['name']} ({preset['law']}, {preset['mark']})", columns, rows)
    click.echo(f"source: {preset['source']}")
    click.echo(f"N counts {preset['counts']}; loss in {preset['loss_unit']} on {preset['data']}")
    for name, (low, high) in (preset["fitted_range"] or {}).items():
        start = format_quantity(low) if low else "?"
        click.echo(f"fitted {name}: {start} to {format_quantity(high)}")
    if preset["note"]:
        click.echo(preset["note"])


@click.command("presets")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the published laws, or tell all that is known of NAME."""
    from jaxlaws import presets

    if name is not None:
        preset = _as_dict(name)
        print_json(preset) if as_json else _print_one(preset)
        return
    described = [_as_dict(each) for each in presets.names()]
    if as_json:
        print_json({"presets": described})
        return
    rows = [(p["name"], p["law"], p["mark"], p["source"].split(",")[0]) for p in described]
    print_table("presets", ["name", "law", "mark", "source"], rows)
