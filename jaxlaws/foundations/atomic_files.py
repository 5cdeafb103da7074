"""Write a file so that a failure leaves the old file as it was."""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ABANDONED = 3600.0  # seconds since the last change of a temporary file that nobody writes any more


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file in the folder of `path`, and move it to `path` at the end.

    If the body of the `with` statement fails, or the process is killed, the file at `path` stays
    as it was. A killed process leaves its temporary file, `.NAME.XXXXXXXX.tmp`; a later write to
    the same file removes it when it is an hour old. If `path` is a symbolic link, the file that it
    leads to is written. An existing file keeps its permissions.

    Args:
        path: the file to write.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    target = Path(path).resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=_prefix(target), suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    remove_abandoned(target.parent, re.compile(re.escape(_prefix(target)) + r"[a-z0-9_]{8}\.tmp"))


def _prefix(target: Path) -> str:
    return f".{target.name[:48]}."  # a name has at most 255 bytes


def remove_abandoned(folder: Path, names: re.Pattern[str]) -> None:
    """Remove the temporary files of processes that were killed while they wrote a file.

    Args:
        folder: where the files are.
        names: which names they have. Files that were changed within the last hour stay: a process
            may be writing them.
    """
    with suppress(OSError):  # another process may remove the same files
        for other in folder.iterdir():
            if names.fullmatch(other.name) and other.stat().st_mtime < time.time() - _ABANDONED:
                other.unlink(missing_ok=True)
