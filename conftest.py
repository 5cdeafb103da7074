"""Shares compiled programs between test processes, and runs the examples in docs as tests."""

import gc
import os
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# Most of the time of the tests is compilation: programs are kept, and little optimised, which takes
# three quarters off their compilation. `make slow` optimises them as a user's programs are. JAX
# reads these variables when it is imported.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false",
)
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

_DOCTEST = DocTestParser(optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)

pytest_collect_file = (
    Sybil(parsers=[_DOCTEST], patterns=["*.py"], excludes=["tests/*", "experiments/*"])
    + Sybil(
        parsers=[PythonCodeBlockParser(), SkipParser()],
        patterns=["*.md"],
        excludes=["docs/adding_a_law.md"],  # tests/test_adding_a_law.py writes its files first
    )
).pytest()

_MOST_MEMORY_MAPS = 20_000  # Linux gives a process 65,530; beyond that compilation crashes


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """A file is tested by one process, which compiles its programs once.

    All tests with a browser share one explorer, which takes long to start.
    """

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = "tests/browser/"
            return folder if nodeid.startswith(folder) else super()._split_scope(nodeid)

    return ByFile(config, log)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Drop compiled programs between files, because each holds several memory maps."""
    maps = Path("/proc/self/maps")
    if nextitem is None or nextitem.path == item.path or not maps.exists():
        return
    with maps.open() as lines:
        if sum(1 for _ in lines) < _MOST_MEMORY_MAPS:
            return
    import jax  # after the variables above are set

    jax.clear_caches()
    gc.collect()
