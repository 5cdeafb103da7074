"""The views in the order of the page."""

from jaxlaws.cli.explorer.views import supervised

VIEWS = {view.id: view for view in (supervised.VIEW,)}
