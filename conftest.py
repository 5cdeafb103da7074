"""Runs the examples in docstrings and in Markdown pages as tests."""

from doctest import ELLIPSIS, NORMALIZE_WHITESPACE

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

_DOCTEST = DocTestParser(optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)

pytest_collect_file = (
    Sybil(parsers=[_DOCTEST], patterns=["*.py"], excludes=["tests/*", "experiments/*"])
    + Sybil(
        parsers=[PythonCodeBlockParser(), SkipParser()],
        patterns=["*.md"],
        excludes=["docs/adding_a_law.md"],  # tests/test_adding_a_law.py writes its files first
    )
).pytest()
