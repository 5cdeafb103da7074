"""The places of a broad search: its starts, and the values that it tries of each number."""

import numpy as np

from fitting.minimiser.broad_search.law_form import is_plain, to_vectors
from fitting.problem.parameters import FreeNumber
from jaxlaws.pytree import Domain


def scattered(
    free: tuple[FreeNumber, ...], normal: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Values of coefficients of very different sizes, `(num_starts, num_free)`."""
    values = normal * 10.0 ** random.uniform(-2, 0.5, size=normal.shape)
    plain = np.array([is_plain(number) for number in free])
    positive = np.array([number.domain is Domain.POSITIVE for number in free])
    return np.where(plain, np.where(positive, np.abs(values), values), normal)


def grid(number: FreeNumber, random: np.random.Generator) -> np.ndarray:
    """64 places of a number, fine for coefficients near one, and of both signs where allowed."""
    if not is_plain(number):
        return np.linspace(-8, 8, 64) + random.uniform(-0.125, 0.125)
    signs = [1.0, -1.0] if number.domain is Domain.REAL else [1.0]
    count = 64 // len(signs) // 2
    sizes = []
    for low, high, size in ((-16, -3, count // 2), (-2.5, 1.5, count), (2, 16, count // 2)):
        spacing = (high - low) / size
        sizes.append(np.linspace(low, high, size) + random.uniform(-0.5, 0.5) * spacing)
    values = np.concatenate([sign * 10 ** np.concatenate(sizes) for sign in signs])
    return to_vectors((number,), values[:, None])[:, 0]
