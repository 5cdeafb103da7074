"""What a command is waiting for, on standard error, with the time that has passed."""

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import click

from jaxlaws.cli.output.waiting_times import corrected, measured

_SECONDS = 2.0  # before a message is printed
_STEP, _LONG_STEP = 1.0, 30.0  # between messages: in one line of a terminal, and as lines elsewhere
_SHOWN = "jaxlaws.patience"  # key of `click.Context.meta`


@contextmanager
def patience(
    message: str, *, at_once: bool = False, once: bool = False, expected: float | None = None
) -> Iterator[None]:
    """Print what the user is waiting for, once it has taken two seconds, and for how long.

    Args:
        message: what the command does.
        at_once: print the message at the beginning too.
        once: print nothing if this command has printed the message before.
        expected: seconds that it usually takes, if known; corrected by what was measured on this
            machine.
    """
    context = click.get_current_context(silent=True)
    shown: set[str] = set() if context is None else context.meta.setdefault(_SHOWN, set())
    if once and message in shown:
        yield
        return
    if at_once:
        click.echo(message, err=True)
    ended, begin = threading.Event(), time.monotonic()
    arguments = (message, ended, shown, expected and corrected(message, expected))
    follower = threading.Thread(target=_follow, args=arguments, daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()
    if expected:
        measured(message, expected, time.monotonic() - begin)


def seconds_of_fits(count: int, bootstrap: int = 0) -> float:
    """The time that fits usually take on two cores: half of it is the compilation.

    Args:
        count: number of fits to tables of some hundreds of runs.
        bootstrap: number of bootstrap draws of each.
    """
    return 4.0 + count * (3.0 + 0.006 * bootstrap)


class Stages:
    """The steps of a long command, with their place and the expected time of the whole.

    Args:
        steps: the seconds that each step usually takes, by what it does, in their order.
    """

    def __init__(self, steps: Mapping[str, float]) -> None:
        self.steps, self.place, self.begin = list(steps.items()), 0, time.monotonic()

    @contextmanager
    def next(self, of: str = "") -> Iterator[None]:
        """Announce the next step, with the time that all remaining steps are expected to take.

        Args:
            of: what the step works on.
        """
        name, seconds = self.steps[self.place]
        self.place += 1
        left = sum(corrected(*each) for each in self.steps[self.place - 1 :])
        what = f"{name} ({of})" if of else name
        message = f"[{self.place}/{len(self.steps)}] {what} …"
        passed = time.monotonic() - self.begin
        click.echo(f"{message} {passed:.0f} s passed, about {left:.0f} s left", err=True)
        with patience(message, expected=seconds):
            yield


def _follow(message: str, ended: threading.Event, shown: set[str], expected: float | None) -> None:
    begin, is_terminal = time.monotonic(), sys.stderr.isatty()
    wait, longest = _SECONDS, 1
    while not ended.wait(wait):
        shown.add(message)
        passed = time.monotonic() - begin
        usual = f" of about {expected:.0f} s" if expected and passed < expected else ""
        words = f"{message} {passed:.0f} s{usual}"
        # In a terminal a shorter line covers the one before it.
        shown_words = f"\r{words:{longest}}" if is_terminal else words
        click.echo(shown_words, err=True, nl=not is_terminal)
        longest = max(longest, len(words))
        wait = _STEP if is_terminal else _LONG_STEP
    if is_terminal and message in shown:
        click.echo(err=True)
