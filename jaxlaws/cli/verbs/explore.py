"""`jaxlaws explore`: a local page whose controls evaluate laws and plans."""

import importlib.util

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.common_options import verb
from jaxlaws.cli.options.law_modules import law_module_option


@verb("explore", example="jaxlaws explore --law busbridge2025_refit --no-browser")
@click.option(
    "--law",
    "law_name",
    metavar="PRESET|FILE",
    help="A law to start with: the name of a preset, or the file of a saved law or fit. "
    "Default: the recommended preset.",
)
@law_module_option
@click.option(
    "--runs",
    metavar="FILE",
    help="A table of runs to start with, CSV or Parquet. Default: none; the page takes a file.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port of the server on this machine. Default: a free one.",
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def command(law_name: str | None, runs: str | None, port: int, no_browser: bool) -> None:
    """Open a page in the browser whose controls evaluate the laws and the planner.

    The server is reached from this machine only, with the address that is printed. Ctrl-C stops
    it, with exit status 0.
    """
    missing = [name for name in ("starlette", "uvicorn") if not importlib.util.find_spec(name)]
    if missing:
        raise ModuleNotFoundError(
            f"the explorer needs {' and '.join(missing)}: install the extra, "
            "pip install 'jaxlaws[explore]'"
        )
    keep_compiled()
    from jaxlaws.cli.explorer.launch import serve

    serve(law_name, runs, port, browser=not no_browser)
