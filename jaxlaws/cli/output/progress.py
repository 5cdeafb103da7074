"""A word on standard error for what takes longer than a moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

_MOMENT = 2.0  # seconds


@contextmanager
def patience(message: str) -> Iterator[None]:
    """Say what is being waited for, once it has taken two seconds."""
    timer = threading.Timer(_MOMENT, click.echo, (message,), {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
