"""The symbols that a run reads: windows of its half, in a random order without repetition."""

import numpy as np

VALIDATION_WINDOWS = 2048  # 262,144 symbols at context 128


class Windows:
    """Windows of a text in an order given by a seed; every epoch has a different order.

    A window has `context + 1` symbols. The last symbol is only predicted.
    """

    def __init__(self, text: np.ndarray, context: int, seed: int):
        self.text, self.context, self.seed = text, context, seed
        self.count = (len(text) - 1) // context
        self._orders: dict[int, np.ndarray] = {}

    def read(self, first: int, count: int) -> np.ndarray:
        """Return `count` windows of the run from `first` on, `(count, context + 1)` bytes."""
        epochs, places = np.divmod(np.arange(first, first + count), self.count)
        starts = np.empty(count, np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            starts[here] = self._order(int(epoch))[places[here]]
        return self.text[starts[:, None] * self.context + np.arange(self.context + 1)]

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            if len(self._orders) == 2:  # a batch may cross from the last epoch to the next
                del self._orders[min(self._orders)]
            generator = np.random.default_rng([self.seed, epoch])
            self._orders[epoch] = generator.permutation(self.count)
        return self._orders[epoch]


def validation_windows(
    text: np.ndarray, context: int, limit: int = VALIDATION_WINDOWS
) -> np.ndarray:
    """Return evenly spread windows, the same for every run, `(windows, context + 1)` bytes."""
    available = (len(text) - 1) // context
    places = np.linspace(0, available - 1, min(limit, available)).astype(np.int64)
    return text[places[:, None] * context + np.arange(context + 1)]
