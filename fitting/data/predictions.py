"""What a law predicts for runs, in float64, and how far that is from what was measured."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fitting.data.runs import Runs
from jaxlaws.precision import float64


def predict(law: Any, inputs: Mapping[str, Any]) -> np.ndarray:
    """The losses that a law gives, of the inputs that it takes among `inputs`.

    >>> from jaxlaws import presets
    >>> law, inputs = presets.load("hoffmann2022"), {"num_params": 7e10, "num_tokens": 1.4e12}
    >>> round(float(predict(law, inputs | {"flops": 5.88e23})), 6)
    1.936645
    """
    with float64():
        return np.asarray(law.loss(**{name: inputs[name] for name in law.input_names}))


def relative_errors(predicted: Any, runs: Runs) -> np.ndarray:
    """Predicted above measured loss, in per cent, `(num_runs,)`; NaN where none was predicted."""
    return 100 * (np.broadcast_to(predicted, runs.loss.shape) / runs.loss - 1)
