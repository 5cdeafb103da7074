"""Start the explorer: read, compile, find a port, print the URL, serve until Ctrl-C."""

import contextlib
import os
import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future

import click
import uvicorn

from jaxlaws.cli.explorer.controls import Choice
from jaxlaws.cli.explorer.laws import Laws, from_file
from jaxlaws.cli.explorer.server import Session, application
from jaxlaws.cli.explorer.views.all_views import VIEWS
from jaxlaws.cli.options.plan_options import SCENARIOS
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.cli.output.progress import patience
from jaxlaws.foundations.errors import DataError

_HOST = "127.0.0.1"
_SECONDS_TO_CLOSE = 1
_REST = 3.0  # seconds without a request, after which something is compiled
# What is compiled in the background, after the first view: all views, and other scenarios.
_STATES = [
    *({"view": name} for name in VIEWS),
    *({"view": "strategies", "scenario": name} for name in SCENARIOS),
    *({"view": "when-to-distil", "scenario": name} for name in SCENARIOS),
]


def serve(law: str | None, runs: str | None, port: int, *, browser: bool) -> None:
    """Serve the page until the user stops it, and end the process.

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
        try:
            first = _in_background(session, "your-runs" if runs is not None else next(iter(VIEWS)))
            with patience("compiling the first view, longest at the first start …", at_once=True):
                first.result()
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
            click.echo(
                "The explorer is ready at this address; Ctrl-C stops it. The other views are "
                "compiled while the page rests.",
                err=True,
            )
            click.echo(url)
            if browser:
                threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
            uvicorn.Server(config).run(sockets=[listening])  # raises KeyboardInterrupt at the end
        except KeyboardInterrupt:
            session.close()
            # Nothing can stop a compilation or a fit, on which Python would wait for its threads.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)


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


def compile_views(session: Session, states: Iterable[Mapping[str, str]]) -> None:
    """Answer states of views once, so that the next answers of this kind are fast."""
    for state in states:
        session.answer(state)


def _in_background(session: Session, first: str) -> Future[None]:
    """Compile a view, then other views and laws, in a thread that ends with the process.

    Returns:
        A future that is done when the first view is compiled.
    """
    compiled: Future[None] = Future()

    def work() -> None:
        try:
            compile_views(session, [{"view": first}])
        except Exception as error:
            compiled.set_exception(error)
            return
        session.last_asked = time.monotonic()  # the page opens now, and asks soon
        compiled.set_result(None)
        if sys.platform == "linux":  # where it is the priority of this thread alone
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        for state in (*_STATES, *_other_laws(session)):
            _wait_for_rest(session)
            with contextlib.suppress(ValueError, TypeError):  # as the page says for this law
                compile_views(session, [state])

    threading.Thread(target=work, daemon=True).start()
    return compiled


def _other_laws(session: Session) -> Iterator[Mapping[str, str]]:
    """For each view, a law of each class other than that of the law that it shows first."""
    for name, view in VIEWS.items():
        for control in view.controls(session.laws):
            if isinstance(control, Choice) and control.name == "law":
                values = [control.default, *(option.value for option in control.options)]
                kinds = {type(session.laws[value].source.law): value for value in reversed(values)}
                kinds.pop(type(session.laws[control.default].source.law))
                yield from ({"view": name, "law": value} for value in kinds.values())


def _wait_for_rest(session: Session) -> None:
    """Wait until the page has not asked for some seconds, because a compilation slows it down."""
    while (left := session.last_asked + _REST - time.monotonic()) > 0:
        time.sleep(left)


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
