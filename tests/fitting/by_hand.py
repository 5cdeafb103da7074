"""The objective and the laws in NumPy, written from the formulas, as a reference for fits."""

import numpy as np
from scipy.optimize import minimize

from jaxlaws import presets

TRUTH = presets.load("besiroglu2024")
NAMES = ("E", "A", "alpha", "B", "beta")
SIZES = np.geomspace(1e6, 1e9, 12)


def huber_sum(residuals, delta):
    size = np.abs(residuals)
    return float(np.sum(np.where(size <= delta, size**2 / 2, delta * (size - delta / 2))))


def chinchilla(coefficients, num_params, num_tokens):
    E, A, alpha, B, beta = (float(coefficients[name]) for name in NAMES)
    return E + A / num_params**alpha + B / num_tokens**beta


def distillation_limit(coefficients, num_student_params, num_student_tokens, teacher_loss):
    """The loss, from coefficients by name; those of the supervised law are `supervised.E` etc."""
    supervised = [coefficients[f"supervised.{name}"] for name in ("E", "A", "alpha", "B", "beta")]
    E, A, alpha, B, beta = supervised
    bracket = A * num_student_params**-alpha + B * num_student_tokens**-beta
    alone = E + bracket ** coefficients["supervised.gamma"]
    c = coefficients
    resources = (
        c["A"] * num_student_params ** -c["alpha"] + c["B"] * num_student_tokens ** -c["beta"]
    )
    gap = np.exp(-c["kappa"] * (teacher_loss / alone) ** (1 / c["f1"]))
    return teacher_loss + teacher_loss ** -c["c0"] * gap * resources ** c["gamma"]


def values(result):
    """The fitted coefficients by name."""
    return {name: float(each["value"]) for name, each in result.coefficients().items()}


def chinchilla_objective(runs, delta=1e-3, weights=1.0):
    """Objective and gradient in (log E, log A, alpha, log B, beta), as in Hoffmann et al."""
    log_n, log_d = (np.log(runs.inputs[name]) for name in ("num_params", "num_tokens"))
    log_loss = np.log(runs.loss)

    def objective(theta):
        log_E, log_A, alpha, log_B, beta = theta
        terms = np.stack([np.full_like(log_n, log_E), log_A - alpha * log_n, log_B - beta * log_d])
        highest = terms.max(axis=0)
        parts = np.exp(terms - highest)
        shares = parts / parts.sum(axis=0)
        residuals = highest + np.log(parts.sum(axis=0)) - log_loss
        inside = np.clip(residuals, -delta, delta)
        pull = weights * inside
        cost = float(np.sum(weights * inside * (residuals - inside / 2)))
        slopes = [shares[0], shares[1], -log_n * shares[1], shares[2], -log_d * shares[2]]
        return cost / delta, np.array([pull @ slope for slope in slopes]) / delta

    return objective


def best_of_lbfgs(objective, starts):
    """The lowest of many L-BFGS-B runs with a tight tolerance; the objective is over delta."""
    options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-15, "gtol": 1e-10, "maxcor": 20}
    with np.errstate(over="ignore", invalid="ignore"):
        ends = [
            minimize(objective, s, jac=True, method="L-BFGS-B", options=options) for s in starts
        ]
    return min(ends, key=lambda end: end.fun if np.isfinite(end.fun) else np.inf)


def to_theta(coefficients):
    """The vector that `chinchilla_objective` takes."""
    E, A, alpha, B, beta = (float(coefficients[name]) for name in NAMES)
    return np.array([np.log(E), np.log(A), alpha, np.log(B), beta])


def simulated_columns(noise, seed=0):
    """Runs of `besiroglu2024` on a grid of 15 sizes by 14 token counts, as columns."""
    grid = np.meshgrid(np.geomspace(6e7, 1.6e10, 15), np.geomspace(1e9, 3e11, 14))
    sizes, tokens = (axis.ravel() for axis in grid)
    loss = chinchilla({name: getattr(TRUTH, name) for name in NAMES}, sizes, tokens)
    scatter = np.exp(noise * np.random.default_rng(seed).normal(size=loss.shape))
    return {"num_params": sizes, "num_tokens": tokens, "loss": loss * scatter}


def size_columns(noise=1e-3, E=1.5, seed=0):
    """Twelve runs of a law of size, as columns."""
    scatter = np.exp(noise * np.random.default_rng(seed).normal(size=12))
    return {"num_params": SIZES, "loss": (E + 400 / SIZES**0.34) * scatter}


def line_by_hand(weights=1.0, num=20):
    """Runs near a line in log size, as columns, and the solution by weighted least squares.

    The solution is the coefficients (intercept, slope), the sum of squares, and the inverse of
    `X' W X`.
    """
    sizes = np.geomspace(1e6, 1e9, num)
    loss = 6 - 0.4 * np.log10(sizes) + 0.02 * np.random.default_rng(0).normal(size=num)
    root = np.sqrt(np.broadcast_to(weights, num))
    design = root[:, None] * np.column_stack([np.ones(num), np.log10(sizes)])
    beta, (total,), *_ = np.linalg.lstsq(design, root * loss)
    return {"num_params": sizes, "loss": loss}, beta, total, np.linalg.inv(design.T @ design)


def taught_columns(noise=1e-3, seed=1):
    """Eighteen distilled runs and the twelve runs of `size_columns`, as columns."""
    rng = np.random.default_rng(seed)
    sizes, teachers = np.tile(np.geomspace(2e6, 5e8, 6), 3), np.repeat([2.0, 2.5, 3.0], 6)
    loss = (0.4 * teachers + 0.6 * (1.5 + 400 / sizes**0.34) - 0.1) * np.exp(
        noise * rng.normal(size=18)
    )
    own, none = size_columns(), [None]
    return {
        "num_params": [*own["num_params"], *none * 18],
        "num_student_params": [*none * 12, *sizes],
        "teacher_loss": [*none * 12, *teachers],
        "loss": [*own["loss"], *loss],
    }
