"""The views in the order of the page."""

from jaxlaws.cli.explorer.views import (
    capacity_gap,
    history,
    split,
    strategies,
    supervised,
    when_to_distil,
    your_runs,
)

_MODULES = (strategies, supervised, capacity_gap, when_to_distil, split, your_runs, history)
VIEWS = {module.VIEW.id: module.VIEW for module in _MODULES}
