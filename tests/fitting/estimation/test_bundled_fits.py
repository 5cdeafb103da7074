"""Fits of the runs that this project trained."""

import numpy as np
import pytest
from by_hand import distillation_limit, values

from fitting import Status, bundled_runs, fit
from jaxlaws.laws.distillation_limit import DistillationLimit
from jaxlaws.laws.supervised import Supervised


@pytest.mark.slow
def test_starts_along_a_valley_without_end_count_as_agreeing():
    """alpha goes to zero and gamma without end: coefficients differ by start, predictions do not.

    The starts' objectives differ by less than 1e-5 and their predictions by as little.
    """
    first = fit(Supervised, bundled_runs("supervised"))
    assert first.status is Status.CONVERGED
    runs = bundled_runs("distilled")
    inputs = {name: runs.inputs[name] for name in DistillationLimit.input_names}
    fits = [
        fit(DistillationLimit, runs, freeze={"supervised": first}, num_starts=64, seed=seed)
        for seed in range(3)
    ]
    predicted = np.log([distillation_limit(values(each), **inputs) for each in fits])
    assert np.ptp(predicted, axis=0).max() < 1e-4
    assert np.ptp(np.log([each.objective for each in fits])) < 1e-4
    for each in fits:
        assert each.status is Status.FLAT_DIRECTION
        assert each.starts_agreeing > 0.8
