"""The views in the order of the page."""

from jaxlaws.cli.explorer.views import strategies, supervised

VIEWS = {view.id: view for view in (strategies.VIEW, supervised.VIEW)}
