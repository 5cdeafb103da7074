"""A check of a limit on a plan: the quantity, the marginal value, the status."""

import numpy as np

from jaxlaws.inputs import INPUTS
from jaxlaws.planning import Limit

_STEP = 1e-4


def check_limit(plan_of, quantity, most, *, status, name="limit", rtol=1e-5):
    """Check a limit that binds.

    Args:
        plan_of: makes a plan from keywords `limits`.
        quantity: the limited quantity, of the fields of the plan by keyword.
        most: its largest value.
        status: the status that the plan must have.
        name: the name of the limit.
        rtol: tolerance of the marginal value against the difference of two plans.
    """
    ends = most * np.exp(np.array([-_STEP, 0.0, _STEP]))
    plan = plan_of(limits={name: Limit(quantity, ends)})
    inputs = {key: value for key, value in vars(plan).items() if key in INPUTS}
    reached = quantity(**inputs)
    np.testing.assert_allclose(reached, ends, rtol=1e-8)
    assert plan.active_bounds[name].tolist() == [1, 1, 1]
    assert plan.status.tolist() == [status] * 3
    slope = -(plan.loss[2] - plan.loss[0]) / (2 * _STEP)
    np.testing.assert_allclose(plan.marginal_values[name][1], slope, rtol=rtol)
    assert slope > 0
    assert plan_of(limits={name: Limit(quantity, 1e30)}).active_bounds[name] == 0
