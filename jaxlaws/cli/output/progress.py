"""What a command is waiting for, on standard error, with the time that has passed."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

_SECONDS = 2.0  # before a message is printed
_STEP, _LONG_STEP = 1.0, 30.0  # between messages: in one line of a terminal, and as lines elsewhere
_SHOWN = "jaxlaws.patience"  # key of `click.Context.meta`


@contextmanager
def patience(message: str, *, at_once: bool = False, once: bool = False) -> Iterator[None]:
    """Print what the user is waiting for, once it has taken two seconds, and for how long.

    Args:
        message: what the command does.
        at_once: print the message at the beginning too.
        once: print nothing if this command has printed the message before.
    """
    context = click.get_current_context(silent=True)
    shown: set[str] = set() if context is None else context.meta.setdefault(_SHOWN, set())
    if once and message in shown:
        yield
        return
    if at_once:
        click.echo(message, err=True)
    ended = threading.Event()
    follower = threading.Thread(target=_follow, args=(message, ended, shown), daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def _follow(message: str, ended: threading.Event, shown: set[str]) -> None:
    begin, is_terminal = time.monotonic(), sys.stderr.isatty()
    wait = _SECONDS
    while not ended.wait(wait):
        shown.add(message)
        words = f"{message} {time.monotonic() - begin:.0f} s"
        click.echo(f"\r{words}" if is_terminal else words, err=True, nl=not is_terminal)
        wait = _STEP if is_terminal else _LONG_STEP
    if is_terminal and message in shown:
        click.echo(err=True)
