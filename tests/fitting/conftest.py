"""Tables that several files of tests fit. Shared sizes of table share their compiled programs."""

import pytest
from by_hand import simulated_columns

from fitting import Runs, TableWarning, fit
from jaxlaws.laws.chinchilla import Chinchilla
from jaxlaws.laws.distillation_limit import DistillationLimit


@pytest.fixture(scope="session")
def hoffmann(real_runs):
    """All 245 points of Fig. 4 of Hoffmann et al."""
    with pytest.warns(
        TableWarning, match=r"row 2: 5.006, row 3"
    ):  # the replication leaves them out
        return Runs.read(real_runs / "hoffmann_figure4_points.csv", law_type=Chinchilla)


@pytest.fixture(scope="session")
def hoffmann_fit(hoffmann):
    """The fit to the 240 points that the replication keeps, with 256 bootstraps."""
    kept = hoffmann.where(hoffmann.others["outlier"] == "False")
    return kept, fit(Chinchilla, kept, bootstrap=256)


@pytest.fixture(scope="session")
def busbridge(real_runs):
    """The 354 points of Fig. 1 of Busbridge et al."""
    return Runs.read(
        real_runs / "busbridge_figure1_points.csv", {"loss": "student_loss"}, DistillationLimit
    )


@pytest.fixture(scope="session")
def simulated():
    """210 runs with half a per cent of noise."""
    return Runs.read(simulated_columns(5e-3), law_type=Chinchilla)


@pytest.fixture(scope="session")
def simulated_fit(simulated):
    """Their fit, with 128 bootstraps."""
    return fit(Chinchilla, simulated, bootstrap=128)
