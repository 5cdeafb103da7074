"""One command in this process, and what was wrong with it."""

import contextlib
import dataclasses
import io
import resource
import signal
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jaxlaws.cli.main import main

MOST_SECONDS = 5.0  # of CPU time, once compiled
_FOR_DRAWS = 20.0  # the same for a plan with the draws of a fit, which is announced
MOST_MEGABYTES = 500
_HANG = 120


@dataclasses.dataclass(frozen=True)
class Fault:
    """What was wrong with a command.

    Attributes:
        kind: what is wrong, the same for the same fault.
        detail: the traceback or the output.
    """

    kind: str
    detail: str


class _HangError(BaseException):
    """The command takes too long; no handler of ordinary errors catches this."""


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise _HangError

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(_HANG)
    try:
        yield
    finally:
        signal.alarm(0)


def run(arguments: Sequence[str], inputs: Mapping[Path, bytes]) -> Fault | None:
    """Run a command, and look for faults.

    Args:
        arguments: of the command line.
        inputs: the files that the command must not change, and their contents.
    """
    fault, over = _run_once(arguments, inputs)
    if fault is None and over > 0:
        fault, over = _run_once(arguments, inputs)  # now everything is compiled
        if fault is None and over > 0:
            return Fault("slow", f"{over:.1f} s too long")
    return fault


def _run_once(arguments: Sequence[str], inputs: Mapping[Path, bytes]) -> tuple[Fault | None, float]:
    out, err = io.StringIO(), io.StringIO()
    begin, before, code = time.process_time(), _peak_megabytes(), 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
        _alarm(),
    ):
        try:
            main(list(arguments))
        except SystemExit as end:
            code = end.code
        except _HangError:
            place = traceback.format_exc()
            return Fault("hang", place), _HANG
        except BaseException as error:  # a traceback is what is looked for
            frames = traceback.extract_tb(error.__traceback__)
            own = [f for f in frames if "jaxlaws" in f.filename or "fitting" in f.filename]
            place = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
            kind = f"traceback {type(error).__name__} {place}"
            return Fault(kind, traceback.format_exc()), 0.0
    most = _FOR_DRAWS if "draws of the fit" in err.getvalue() else MOST_SECONDS
    over = time.process_time() - begin - most
    grown = _peak_megabytes() - before
    texts = f"exit status {code}\n{out.getvalue()[-1500:]}\n{err.getvalue()[-3000:]}"
    for path, content in inputs.items():
        if not path.exists() or path.read_bytes() != content:
            return Fault("an input was changed", texts), over
    if left := list(Path().glob(".*.tmp")):
        return Fault("a temporary file is left", f"{left}\n{texts}"), over
    if grown > MOST_MEGABYTES:
        return Fault("memory", f"{grown:.0f} MB more\n{texts}"), over
    return _fault_of_texts(code, out.getvalue(), err.getvalue(), texts), over


def _fault_of_texts(code: object, out: str, err: str, texts: str) -> Fault | None:
    if code not in (0, 1, 2, None):
        return Fault(f"exit status {code}", texts)
    if "Traceback" in err or "encountered in" in err or "\x1b" in out + err:
        return Fault("a message for programmers", texts)
    if code == 2 and err.count("Error: ") != 1:
        return Fault("not one message", texts)
    if code == 2 and out:
        return Fault("output beside an error", texts)
    return None


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
