import numpy as np

from jaxlaws import presets
from jaxlaws.figures.near_optimal import near_optimal_ranges
from jaxlaws.planning import compute_optimal, near_optimal_range


def test_a_larger_accepted_loss_draws_a_wider_band():
    law, flops = presets.load("besiroglu2024"), np.geomspace(1e20, 1e23, 4)
    ranges = [
        (
            within,
            near_optimal_range(compute_optimal, law, of="num_params", within=within, flops=flops),
        )
        for within in (0.002, 0.01)
    ]
    figure = near_optimal_ranges(flops, ranges, of="num_params", label="parameters")
    axes = figure.axes[0]
    (line,) = axes.lines
    narrow, wide = (band.get_paths()[0].vertices[:, 1] for band in axes.collections)
    np.testing.assert_allclose(line.get_ydata(), compute_optimal(law, flops=flops).num_params)
    assert wide.min() < narrow.min() < np.min(line.get_ydata())
    assert wide.max() > narrow.max() > np.max(line.get_ydata())
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "best",
        "within 0.002 nats of the lowest loss",
        "within 0.01 nats of the lowest loss",
    ]
