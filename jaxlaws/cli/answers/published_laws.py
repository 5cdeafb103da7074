"""`jaxlaws presets`: published laws and what is known of them."""

from jaxlaws import presets
from jaxlaws.cli.output.printing import print_json, print_table
from jaxlaws.foundations.annotations import Json
from jaxlaws.foundations.law import coefficients
from jaxlaws.foundations.quantities import format_quantity
from jaxlaws.foundations.text.tables import Table


def show_all(*, as_json: bool) -> None:
    """Print all presets, a row each; above them those that are not for plans."""
    described = [_document(name) for name in presets.names()]
    if as_json:
        print_json({"presets": described})
        return
    rows = [[p["name"], p["law"], p["mark"], p["source"].split(",")[0]] for p in described]
    warnings = " ".join(f"{p['name']}: {p['warning']}" for p in described if p["warning"])
    print_table("presets", Table(["name", "law", "mark", "source"], rows), lead=warnings)


def show_one(name: str, *, as_json: bool) -> None:
    """Print one preset with its coefficients.

    Raises:
        ValueError: no preset has this name.
    """
    preset = _document(name)
    if as_json:
        print_json(preset)
        return
    level, intervals = preset["interval_level"], preset["intervals"] or {}
    rows = [
        [name, f"{value:.6g}", *(f"{end:.6g}" for end in intervals.get(name, ()))]
        for name, value in preset["coefficients"].items()
    ]
    heads = ["coefficient", "value", *([f"low ({level:.0%})", "high"] if level else [])]
    notes = [
        f"source: {preset['source']}",
        f"N counts {preset['counts']}; loss in {preset['loss_unit']} on {preset['data']}",
    ]
    for name, (low, high) in (preset["fitted_range"] or {}).items():
        start = format_quantity(low) if low else "?"
        notes.append(f"fitted {name}: {start} to {format_quantity(high)}")
    title = f"{preset['name']} ({preset['law']}, {preset['mark']})"
    print_table(title, Table(heads, rows), [*notes, preset["note"]], lead=preset["warning"])


def _document(name: str) -> dict[str, Json]:
    preset = presets.describe(name)
    return {
        "name": name,
        **vars(preset),
        "law": type(preset.law).__name__,
        "mark": preset.mark.value,
        "coefficients": coefficients(preset.law),
        "draws": preset.draws is not None,
    }
