"""Shares compiled programs between test processes, and runs the examples in docs as tests."""

import gc
import os
import re
import shlex
import shutil
import sys
import tempfile
import warnings
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from importlib.metadata import version
from pathlib import Path

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# Most of the time of the tests is compilation: programs are kept, and little optimised, which takes
# three quarters off their compilation. `make slow` optimises them as a user's programs are. JAX
# reads these variables when it is imported.
_FLAGS_OF_XLA = ["--xla_backend_optimization_level=0", "--xla_llvm_disable_expensive_passes=true"]
if tuple(map(int, version("jax").split(".")[:2])) < (0, 12):  # an unknown flag ends the process
    _FLAGS_OF_XLA.append("--xla_cpu_use_fusion_emitters=false")
os.environ.setdefault("XLA_FLAGS", " ".join(_FLAGS_OF_XLA))
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

_FLAGS = ELLIPSIS | NORMALIZE_WHITESPACE
_DOCTEST = DocTestParser(optionflags=_FLAGS)


def _run_commands(example: Example) -> str | None:
    """Run the `jaxlaws` commands of a console block, and compare what 80 columns show.

    Messages about the progress are left out. `...` stands for any text.
    """
    from click.testing import CliRunner  # imports JAX, after the variables above are set

    from jaxlaws.cli.main import main

    commands = re.findall(r"^\$ jaxlaws ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", example.parsed, re.M)
    assert commands, "a console block without a command `$ jaxlaws`"
    for command, expected in commands:
        words = shlex.split(command.replace("\\\n", " "))
        with warnings.catch_warnings():  # the command changes how warnings are shown
            ran = CliRunner().invoke(main, words, env={"JAXLAWS_CACHE": "", "COLUMNS": "80"})
        if ran.exception and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        shown = re.sub(r"^.* …( \d+ s.*)?\n", "", ran.output, flags=re.M)
        if not OutputChecker().check_output(expected, shown, _FLAGS):
            return f"jaxlaws {command}\nExpected:\n{expected}\nGot:\n{shown}"
    return None


def _enter_folder_with_tables(namespace: dict[str, object]) -> None:
    """Examples with tables read them in the current folder, and write files there."""
    namespace["_left"], folder = Path.cwd(), tempfile.mkdtemp()
    for tables in (Path(__file__).parent / "docs").glob("*/tables"):
        shutil.copytree(tables, folder, dirs_exist_ok=True)
    os.chdir(folder)


def _leave_folder_with_tables(namespace: dict[str, object]) -> None:
    folder = Path.cwd()
    os.chdir(namespace["_left"])
    for name, module in list(sys.modules.items()):  # another page may have one of the same name
        if str(getattr(module, "__file__", None)).startswith(f"{folder}{os.sep}"):
            del sys.modules[name]
    sys.path[:] = [each for each in sys.path if each != str(folder)]
    shutil.rmtree(folder)


_PAGES_WITH_TABLES = ["docs/how_to/*.md", "docs/tutorials/own_table.md"]
_MARKDOWN = [PythonCodeBlockParser(), CodeBlockParser("console", _run_commands), SkipParser()]
pytest_collect_file = SybilCollection(
    [
        Sybil(parsers=[_DOCTEST], patterns=["*.py"], excludes=["tests/*", "experiments/*"]),
        Sybil(
            parsers=_MARKDOWN,
            patterns=["*.md"],
            # tests/test_adding_a_law.py writes the files of its page first
            excludes=["docs/adding_a_law.md", *_PAGES_WITH_TABLES],
        ),
        Sybil(
            parsers=_MARKDOWN,
            patterns=_PAGES_WITH_TABLES,
            setup=_enter_folder_with_tables,
            teardown=_leave_folder_with_tables,
        ),
    ]
).pytest()

_MOST_MEMORY_MAPS = 20_000  # Linux gives a process 65,530; beyond that compilation crashes


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """A file is tested by one process, which compiles its programs once.

    All tests with a browser share one explorer, which takes long to start. Every second process
    takes its files from the end of the list, where plans are; fits are at the beginning. So most
    programs are traced and compiled in one process only.
    """
    config.option.loadscopereorder = False  # not by the number of tests of a file

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder = "tests/browser/"
            return folder if nodeid.startswith(folder) else super()._split_scope(nodeid)

        def _assign_work_unit(self, node: WorkerController) -> None:
            if int(node.gateway.id.removeprefix("gw")) % 2:
                self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
            super()._assign_work_unit(node)

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put fits first and plans last."""

    def room(item: pytest.Item) -> int:
        path = str(item.path.relative_to(Path(__file__).parent))
        return 2 if re.search("planning|explorer|browser", path) else 0 if "fit" in path else 1

    items.sort(key=room)


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
