"""One explorer for all tests of the browser, and pages that notice what must not happen.

The tests need Playwright (`pip install 'jaxlaws[browser]'`) and a Chromium of the system. They skip
where either is missing.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

_START = 900  # seconds for a first start, which compiles all views
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def pytest_collection_modifyitems(items):
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.browser)


class Explorer(NamedTuple):
    """A running server: its process, origin and token."""

    process: subprocess.Popen
    origin: str
    token: str


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium."""
    pytest.importorskip(
        "playwright.sync_api", reason="Playwright is missing: pip install 'jaxlaws[browser]'"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("JAXLAWS_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("Chromium is missing: apt-get install chromium, or set JAXLAWS_CHROMIUM")
    return path


@pytest.fixture(scope="session")
def explorer(chromium) -> Iterator[Explorer]:
    """An explorer on a free port."""
    for name in ("starlette", "uvicorn"):
        pytest.importorskip(name, reason=f"{name} is missing: pip install 'jaxlaws[explore]'")
    program = "from jaxlaws.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "explore", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        started = Explorer(process, *_first_line(process).strip().split("/?token="))
        _answer_each_view(started)
        yield started
        assert process.poll() is None, "the server has stopped"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _answer_each_view(explorer: Explorer) -> None:
    """Wait until all views are compiled, so that no test waits for it."""
    cookies = urllib.request.HTTPCookieProcessor()
    opened = urllib.request.build_opener(cookies)
    opened.open(f"{explorer.origin}/?token={explorer.token}").close()
    with opened.open(f"{explorer.origin}/api/views") as answer:
        views = [view["id"] for view in json.load(answer)["views"]]
    for view in views:
        opened.open(f"{explorer.origin}/api/answer?view={view}", timeout=_START).close()


def _first_line(process: subprocess.Popen) -> str:
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
    # A full pipe would stop the server: its messages are read as they come.
    errors: list[str] = []
    threading.Thread(target=lambda: errors.extend(process.stderr), daemon=True).start()
    try:
        line = lines.get(timeout=_START)
    except queue.Empty:
        line = ""
    assert line.startswith("http://127.0.0.1:"), f"no address: {line!r} {''.join(errors)}"
    return line


@pytest.fixture(scope="module")  # not longer: Playwright leaves an event loop in this thread
def browser(chromium):
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, explorer):
    """Open pages: `visit(query)`. Afterwards no page has logged an error or left the origin."""
    contexts, problems = [], []

    def watch(page):
        page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
        page.on("console", lambda text: text.type == "error" and problems.append(text.text))
        page.on(
            "request",
            lambda request: (
                request.url.startswith((explorer.origin, "blob:"))
                or problems.append(f"a request to {request.url}")
            ),
        )

    def open_page(query="", context=None, **options):
        if context is None:
            context = browser.new_context(**options)
            contexts.append(context)
            context.on("page", watch)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{explorer.origin}/?token={explorer.token}{query and '&' + query}")
        page.wait_for_selector("body:not(.busy)")
        return page

    open_page.problems = problems
    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
    assert explorer.process.poll() is None, "the server has stopped"
