"""A message on standard error while something takes long."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

_SECONDS = 2.0


@contextmanager
def patience(message: str) -> Iterator[None]:
    """Print what the user is waiting for, once it has taken two seconds."""
    timer = threading.Timer(_SECONDS, click.echo, (message,), {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
