"""Run the command line in this process, without its cache of compiled programs."""

import json
import warnings

import pytest
from click.testing import CliRunner

from jaxlaws.cli.main import main


class Ran:
    def __init__(self, result):
        self.code, self.out, self.err = result.exit_code, result.stdout, result.stderr
        self.exception = result.exception

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("JAXLAWS_CACHE", "")
    monkeypatch.delenv("COLUMNS", raising=False)  # lines are whole, as in a pipe


@pytest.fixture
def run():
    """Run verbs; what goes wrong inside must not be swallowed by the runner."""

    def call(*arguments):
        with warnings.catch_warnings():
            result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result)

    return call


@pytest.fixture
def refused(run):
    """Run verbs that must fail: status 2, nothing on standard output, one message, no traceback."""

    def call(*arguments):
        ran = run(*arguments)
        assert ran.code == 2, ran.out + ran.err
        assert ran.out == ""
        assert "Traceback" not in ran.err
        assert ran.err.count("Error:") == 1
        return ran.err

    return call
