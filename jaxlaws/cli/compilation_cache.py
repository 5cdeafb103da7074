"""The command line's cache of compiled programs. The library itself sets no flag."""

import os
from pathlib import Path


def cache_folder() -> str:
    """The user's cache folder. JAXLAWS_CACHE names another one; empty, there is no cache."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxlaws"
    return os.environ.get("JAXLAWS_CACHE", str(default))


def keep_compiled() -> None:
    """Keep compiled programs in the user's cache folder, by JAX version and processor."""
    import hashlib
    import platform

    import jax

    folder = cache_folder()
    if not folder:
        return
    # A program compiled for another processor's instructions would crash on this one.
    cpu = Path("/proc/cpuinfo")
    features = next(
        (line for line in cpu.read_text().splitlines() if line.startswith(("flags", "Features"))),
        "",
    ) if cpu.exists() else platform.processor()  # fmt: skip
    machine = hashlib.sha256(f"{platform.machine()}{features}".encode()).hexdigest()[:12]
    jax.config.update("jax_compilation_cache_dir", f"{folder}/jax-{jax.__version__}-{machine}")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
