"""The predictions of a law for runs, in float64, and their relative errors."""

from collections.abc import Mapping

import numpy as np

from fitting.data.runs import Runs
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.law import Law
from jaxlaws.precision import float64


def predict(law: Law, inputs: Mapping[str, Array]) -> np.ndarray:
    """The losses that a law predicts, in float64.

    Args:
        law: the law.
        inputs: values by name, which broadcast together. Inputs that the law does not take are
            ignored.

    >>> from jaxlaws import presets
    >>> law, inputs = presets.load("hoffmann2022"), {"num_params": 7e10, "num_tokens": 1.4e12}
    >>> round(float(predict(law, inputs | {"flops": 5.88e23})), 6)
    1.936645

    Raises:
        ValueError: an input of the law is missing.
    """
    missing = [name for name in law.input_names if name not in inputs]
    if missing:
        raise ValueError(
            f"{type(law).__name__} needs {', '.join(missing)}, and the inputs are "
            f"{', '.join(inputs)}. For the runs of a table, use runs.for_law(type(law)).inputs"
        )
    with float64():
        return np.asarray(law.loss(**{name: inputs[name] for name in law.input_names}))


def relative_errors(predicted: Array, runs: Runs) -> np.ndarray:
    """Predicted above measured outcome, in per cent of the measured outcome.

    If some outcome is zero or negative, all errors are in per cent of the mean size of the
    outcomes of its column.

    Returns:
        Errors of the shape of `runs.loss`; NaN where a prediction is NaN.
    """
    above = np.broadcast_to(predicted, runs.loss.shape)
    if np.all(runs.loss > 0):
        return 100 * (above / runs.loss - 1)
    return 100 * (above - runs.loss) / np.mean(np.abs(runs.loss), axis=0)
