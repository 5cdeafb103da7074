"""Writes wandb_export.csv, the table of the tutorial: a law with noise, and three mistakes.

python docs/tutorials/tables/make_table.py
"""

import csv
from pathlib import Path

import numpy as np

from jaxlaws import presets

SIZES = [31e6, 62e6, 124e6, 249e6, 498e6, 997e6]
TOKENS_PER_PARAMETER = [5, 10, 20, 40, 80]
NOISE = 0.004  # standard deviation of the logarithm of the loss
MOST_FLOPS = 1.3e20


def main() -> None:
    """Write the table beside this file."""
    random = np.random.default_rng(20)
    law = presets.load("besiroglu2024")
    rows = []
    for size in SIZES:
        for ratio in TOKENS_PER_PARAMETER:
            tokens = size * ratio
            if 6 * size * tokens > MOST_FLOPS:
                continue
            loss = float(law.loss(num_params=size, num_tokens=tokens))
            rows.append(_row(size, tokens, loss * np.exp(NOISE * random.normal())))
    crashed = rows[7] | {"State": "crashed", "eval/loss": "5.1043"}
    died = rows[20] | {"State": "crashed", "eval/loss": "", "Name": "lm-died"}
    table = [*rows[:9], crashed | {"Name": "lm-retry"}, *rows[9:15], rows[3], *rows[15:], died]
    path = Path(__file__).with_name("wandb_export.csv")
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(table)


def _row(size: float, tokens: float, loss: float) -> dict[str, str]:
    return {
        "Name": f"lm-{size / 1e6:.0f}M-{tokens / 1e9:.2g}B",
        "State": "finished",
        "n_params (M)": f"{size / 1e6:.0f}",
        "tokens (B)": f"{tokens / 1e9:.4g}",
        "eval/loss": f"{loss:.4f}",
    }


if __name__ == "__main__":
    main()
