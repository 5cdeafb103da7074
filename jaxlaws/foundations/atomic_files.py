"""Write a file so that a failure leaves the old file as it was."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file in the folder of `path`, and move it to `path` at the end.

    If the body of the `with` statement fails, or the process is killed, the file at `path` stays
    as it was. If `path` is a symbolic link, the file that it leads to is written. An existing file
    keeps its permissions.

    Args:
        path: the file to write.

    Raises:
        OSError: the folder does not exist or cannot be written to.
    """
    target = Path(path).resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
