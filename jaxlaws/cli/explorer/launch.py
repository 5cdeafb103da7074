"""Start the explorer: read, compile, find a port, print the URL, serve until Ctrl-C."""

import contextlib
import secrets
import socket
import threading
import webbrowser

import click
import uvicorn

from jaxlaws.cli.explorer.laws import Laws, from_file
from jaxlaws.cli.explorer.server import Session, application
from jaxlaws.cli.explorer.views.all_views import VIEWS
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.cli.output.progress import patience
from jaxlaws.foundations.concurrency import side_by_side
from jaxlaws.foundations.errors import DataError

_HOST = "127.0.0.1"
_SECONDS_TO_CLOSE = 2


def serve(law: str | None, runs: str | None, port: int, *, browser: bool) -> None:
    """Serve the page until the user stops it.

    Args:
        law: a preset or a file, the law that the views show first.
        runs: a table, which the view of the user's runs shows first.
        port: of this machine; 0 for a free one.
        browser: whether to open the page.

    Raises:
        OSError: the port is in use, or a file cannot be opened.
        DataError: a file does not hold a law, or a table of runs.
    """
    with _listen(port) as listening, contextlib.closing(session_of(law, runs)) as session:
        compile_views(session)
        token = secrets.token_urlsafe(24)
        url = f"http://{_HOST}:{listening.getsockname()[1]}/?token={token}"
        if runs is not None:
            url += "&view=your-runs"
        config = uvicorn.Config(
            application(session, token),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_SECONDS_TO_CLOSE,
        )
        click.echo("The explorer is ready at this address; Ctrl-C stops it.", err=True)
        click.echo(url)
        if browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after closing
            uvicorn.Server(config).run(sockets=[listening])
        with patience("waiting for the fit that is running …"):
            session.close()


def session_of(law: str | None, runs: str | None) -> Session:
    """What the server knows at the start.

    Raises:
        OSError: a file cannot be opened.
        DataError: a file does not hold a law, or a table of runs.
    """
    session = Session(Laws(None if law is None else from_file(law)))
    if runs is None:
        return session
    try:
        upload = session.uploads.add_file(runs)
    except BaseException:
        session.close()
        raise
    session.first_table = upload.id
    try:
        session.laws.runs = upload.runs(upload.columns_to_read(), None)[0]
    except DataError as error:  # the page shows the table, and takes other columns
        show_notice(str(error))
    return session


def compile_views(session: Session) -> None:
    """Answer every view once, so that the first pictures and the sliders are fast."""
    states = [{"view": name} for name in VIEWS]
    with patience("compiling the laws and the planner, longest at the first start …", at_once=True):
        side_by_side(session.answer, states, is_compiled=True)


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise OSError(
            f"port {port} cannot be used ({error.strerror}): another program may use it. Choose "
            "another --port, or leave it out for a free one"
        ) from None
    return listening
