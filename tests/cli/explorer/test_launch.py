"""`jaxlaws explore`: what it needs, its address, its port, and how it ends."""

import http.cookiejar
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import urllib.error
import urllib.request

import pytest

from jaxlaws.cli.explorer import launch
from jaxlaws.cli.explorer.runs.fit_jobs import FitJobs, FitRequest
from jaxlaws.cli.verbs import explore

# The server of the command line. Instead of a compilation, a view takes the seconds of a variable.
PROGRAM = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have ignored it
from jaxlaws.cli.explorer import launch
from jaxlaws.cli.main import main
seconds = lambda states: float(os.environ.get(states[0]["view"], 0))
launch.compile_views = lambda session, states: time.sleep(seconds(states))
launch._REST = 0.0
main(["explore", "--no-browser", *sys.argv[1:]])
"""


@pytest.fixture
def start():
    """Start servers, which are ended after the test."""
    running = []

    def started(*arguments, wait=True):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return (process, process.stdout.readline().strip()) if wait else process

    yield started
    for process in running:
        process.kill()
        process.communicate()


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirection."""

    def redirect_request(self, *_):
        return None


def browser():
    jar = http.cookiejar.CookieJar()
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), Stay)


def test_the_address_has_the_token_and_control_c_ends_the_server(start, tmp_path):
    table = tmp_path / "runs.csv"
    table.write_text("params,tokens,loss\n1e7,1e9,3.5\n1e8,1e9,3.2\n1e9,2e10,2.5\n")
    process, url = start("--law", "besiroglu2024", "--runs", table)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{30,}&view=your-runs", url)
    opened = browser()
    base = url.partition("?")[0]
    with pytest.raises(urllib.error.HTTPError) as refused:
        opened.open(f"{base}api/views")
    with refused.value as answer:
        assert answer.code == 401
    with pytest.raises(urllib.error.HTTPError) as redirected:
        opened.open(url)
    with redirected.value as answer:
        assert answer.headers["location"] == "/?view=your-runs"
    with opened.open(f"{base}api/views") as answer:
        found = json.load(answer)
    laws = {each["name"]: each for each in found["views"][1]["controls"]}["law"]
    assert laws["default"] == "besiroglu2024"
    with opened.open(f"{base}api/table?id={found['table']}") as answer:
        assert json.load(answer)["rows"] == 3
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert rest == ""
    assert "Traceback" not in errors
    assert "Ctrl-C" in errors


@pytest.mark.parametrize("slow", ["strategies", "supervised"])
def test_control_c_does_not_wait_for_a_compilation(start, monkeypatch, slow):
    monkeypatch.setenv(slow, "600")
    if slow == "strategies":  # the first view: there is no address yet
        process = start(wait=False)
        assert "first view" in process.stderr.readline()
    else:
        process, url = start()
        assert url.startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_other_views_are_compiled_while_the_page_rests(monkeypatch):
    begun, rest = [], 2.0
    monkeypatch.setattr(launch, "compile_views", lambda *_: begun.append(time.monotonic()))
    monkeypatch.setattr(launch, "_other_laws", lambda _: iter(()))
    monkeypatch.setattr(launch, "_STATES", [{"view": "supervised"}])
    monkeypatch.setattr(launch, "_REST", rest)
    session = types.SimpleNamespace(last_asked=0.0)
    launch._in_background(session, "strategies").result()
    for _ in range(3):
        session.last_asked = time.monotonic()
        time.sleep(0.1)
    assert len(begun) == 1  # the first view
    while len(begun) < 2:
        time.sleep(0.1)
    assert begun[1] >= session.last_asked + rest


def test_a_port_in_use_is_said(refused):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused("explore", "--no-browser", "--port", port)
    assert f"port {port}" in said
    assert "--port" in said


@pytest.mark.parametrize("option", ["--law", "--runs"])
def test_a_file_that_is_missing_or_wrong_is_said(refused, tmp_path, option):
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1, 2")
    for path in (tmp_path / "missing.json", wrong):
        assert path.name in refused("explore", "--no-browser", option, path)


def test_without_the_extra_it_says_how_to_install_it(refused, monkeypatch):
    monkeypatch.setattr(explore.importlib.util, "find_spec", lambda name: None)
    assert "pip install 'jaxlaws[explore]'" in refused("explore")


def test_help_imports_neither_jax_nor_the_server():
    program = (
        "import sys; from jaxlaws.cli.main import main; "
        "main(['explore', '--help'], standalone_mode=False); "
        "sys.exit(bool({'jax', 'numpy', 'starlette', 'uvicorn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Ctrl-C" in done.stdout


def test_closing_does_not_wait_for_a_fit_and_starts_no_other():
    began, may_end, fitted = threading.Event(), threading.Event(), []

    def run(request):
        began.set()
        may_end.wait(60)
        fitted.append(request.table)
        return {}

    jobs = FitJobs(run)
    for table in ("one", "two"):
        jobs.start(FitRequest(table=table, columns={}, law="kaplan", draws=0))
    began.wait(60)
    jobs.close()
    assert fitted == []
    may_end.set()
    for thread in threading.enumerate():
        if thread.name.startswith("fit"):
            thread.join(60)
    assert fitted == ["one"]
