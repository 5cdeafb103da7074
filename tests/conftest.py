"""Shared by all tests: silent broadcasting is an error, and real runs are found or skipped."""

import os
from pathlib import Path

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def real_runs() -> Path:
    """The folder of published runs, which lie outside the project."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("JAXLAWS_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no folder {folder} of published runs; JAXLAWS_DATA names another")
    return folder


@pytest.fixture
def x64():
    """Double precision within a test."""
    with jax.enable_x64(True):
        yield
