"""How long waits take on this machine: what was measured corrects what is expected.

The expected seconds of a wait are constants of another machine. The ratio of the measured to these
seconds is kept for each kind of wait, in the folder of compiled programs.
"""

import contextlib
import json
import math
import re
from pathlib import Path

from jaxlaws.cli.compilation_cache import cache_folder
from jaxlaws.foundations.atomic_files import atomic_write

_FILE = "waiting_times.json"
_MOST = 100.0  # a ratio beyond this, or its inverse, is no property of the machine


def corrected(message: str, expected: float) -> float:
    """The seconds that a wait is expected to take on this machine."""
    return expected * _ratios().get(_kind(message), 1.0)


def measured(message: str, expected: float, seconds: float) -> None:
    """Keep what a wait took: the next expectation is half way to it, in ratios."""
    folder = cache_folder()
    if not folder:
        return
    ratios = _ratios()
    now = min(max(seconds / expected, 1 / _MOST), _MOST)
    kind = _kind(message)
    ratios[kind] = math.sqrt(now * ratios.get(kind, now))
    with contextlib.suppress(OSError):  # the folder may be read-only
        Path(folder).mkdir(parents=True, exist_ok=True)
        with atomic_write(Path(folder) / _FILE) as temporary:
            temporary.write_text(json.dumps(ratios), encoding="utf-8")


def _kind(message: str) -> str:
    """The first two words of a message, without its place among steps."""
    return " ".join(re.sub(r"^\[\d+/\d+\] ", "", message).split()[:2])


def _ratios() -> dict[str, float]:
    folder = cache_folder()
    if not folder:
        return {}
    try:
        found = json.loads((Path(folder) / _FILE).read_text(encoding="utf-8"))
        return {
            kind: float(ratio)
            for kind, ratio in found.items()
            if 1 / _MOST <= float(ratio) <= _MOST
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
