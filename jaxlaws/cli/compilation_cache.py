"""The command line's cache of compiled programs. The library itself sets no flag."""

import os
from pathlib import Path


def keep_compiled() -> None:
    """Keep compiled programs in the user's cache folder, by JAX version and processor.

    JAXLAWS_CACHE names another folder; empty, it turns the cache off.
    """
    import hashlib
    import platform

    import jax

    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxlaws"
    folder = os.environ.get("JAXLAWS_CACHE", str(default))
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
