"""The law of effective tokens, by hand."""

import numpy as np

from experiments.hold_outs.effective_tokens import EffectiveTokens
from jaxlaws import presets


def test_a_better_teacher_makes_each_token_count_for_more(x64):
    supervised = presets.load("busbridge2025_supervised")
    law = EffectiveTokens(supervised=supervised, w=6.0, v=2.0)
    teachers = np.array([1.9, 2.3, 2.75])
    got = law.loss(num_student_params=1e9, num_student_tokens=2e10, teacher_loss=teachers)
    alone = supervised.loss(num_params=1e9, num_tokens=2e10 * 6 / teachers**2)
    np.testing.assert_allclose(got, alone, rtol=1e-13)
    assert np.all(np.diff(got) > 0)
