"""A process that writes a data set: `writing_process.py FOLDER [PORT COUNT INDEX]`.

The question is a formula, so that a process starts fast and spends its time on writing.
"""

import sys

import jax
import numpy as np

from jaxlaws import presets
from jaxlaws.planning import LogSpaced, Record, Status, write_plans

LAW = presets.load("besiroglu2024")
INPUTS = {"flops": LogSpaced(1e18, 1e26, 400), "num_params": np.geomspace(1e8, 1e10, 40)}
NUM_ROWS, BLOCK_SIZE, NUM_PARTS = 16_000, 23, 696  # the last part has fifteen rows


def loss_of_size(law, *, flops, num_params):
    """The loss of a size, all of whose compute is spent."""
    loss = law.E + law.A / num_params**law.alpha + law.B / (flops / 6 / num_params) ** law.beta
    return Record(loss=loss, status=np.where(loss > 3, Status.ON_BOUND, Status.CONVERGED))


def write(folder):
    return write_plans(loss_of_size, LAW, INPUTS, folder, block_size=BLOCK_SIZE, identity="loss")


if __name__ == "__main__":
    if sys.argv[2:]:
        port, count, index = map(int, sys.argv[2:])
        jax.distributed.initialize(f"127.0.0.1:{port}", count, index)
    write(sys.argv[1])
