"""Start the explorer: compile, find a port, print the URL, serve until Ctrl-C."""

import secrets
import socket
import threading
import webbrowser

import click
import uvicorn

from jaxlaws.cli.explorer.laws import Laws
from jaxlaws.cli.explorer.server import Session, application
from jaxlaws.cli.explorer.views.all_views import VIEWS
from jaxlaws.cli.output.progress import patience

_HOST = "127.0.0.1"


def launch(law: str | None, runs: str | None, port: int, *, browser: bool) -> None:
    """Serve the page until the user stops it.

    Raises:
        OSError: the port is in use.
    """
    listening = _listen(port)
    with listening:
        session = Session(Laws())
        with patience("compiling the laws and the planner …", at_once=True):
            for view in VIEWS:
                session.answer({"view": view})
        token = secrets.token_urlsafe(24)
        url = f"http://{_HOST}:{listening.getsockname()[1]}/?token={token}"
        config = uvicorn.Config(application(session, token), log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        click.echo("The explorer runs at this address; Ctrl-C stops it.", err=True)
        click.echo(url)
        if browser:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:  # uvicorn has closed all connections, and raises it once more
            click.echo("stopped", err=True)


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
    except OSError as error:
        listening.close()
        raise OSError(
            f"port {port} cannot be used ({error.strerror}): another program may use it. Choose "
            "another --port, or leave it out for a free one"
        ) from None
    listening.listen(128)
    return listening
