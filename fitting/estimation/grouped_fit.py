"""One law for several groups of runs, with some coefficients shared and others not."""

import dataclasses
from collections.abc import Sequence
from typing import Unpack

import jax
import numpy as np

from fitting.data.runs import Runs
from fitting.estimation.options import FitChanges, FitOptions
from fitting.estimation.pipeline import Groups, solve
from fitting.estimation.results import FitResult
from fitting.estimation.single_fit import prepare
from fitting.minimiser.status import Status
from fitting.problem.coefficient_names import by_element, sort_names, split_index
from jaxlaws.foundations.annotations import Tree
from jaxlaws.foundations.errors import NotSolvedError
from jaxlaws.foundations.law import Law
from jaxlaws.foundations.provenance import fingerprint
from jaxlaws.pytree import declarations, element_shapes


def fit_groups(
    law_type: type[Law],
    runs: Runs,
    *,
    group: str,
    own: Sequence[str],
    options: FitOptions = FitOptions(),
    **changes: Unpack[FitChanges],
) -> dict[str, FitResult]:
    """Fit a law to groups of runs at once, such as mixtures of data with common exponents.

    Draw i of one group belongs to draw i of every other group: compute differences between groups
    draw by draw. The bootstrap draws as many runs of each group as the group has. Bounds and
    priors of a coefficient in `own` hold for its value in each group.

    Args:
        law_type: the class of the law.
        runs: the table.
        group: the column with the group of each run: text such as the name of an architecture, or
            numbers such as those of an input.
        own: the coefficients that each group has a value of its own for (an array of coefficients,
            or single elements of it such as `w[0]`); the groups share all others.
        options: how to fit, as in `fit`, but without `cluster`.
        changes: single options by name, which replace those of `options`.

    Returns:
        A fit for each group, by the group's value in the column. Each has its own law, draws,
        number of runs and range; status, objective and identifiability are those of the whole fit.

    Raises:
        ValueError: a name in `own` is not a free coefficient; a coefficient in `own` sets the unit
            of another that is not in `own`; a group has too few runs for its own coefficients; or
            as `fit`.
        TypeError, DataError: as `fit`.
        NotSolvedError: as `fit`; its `partial` holds the fits of all groups.

    >>> from jaxlaws.laws.chinchilla import Chinchilla
    >>> grid = np.meshgrid([1e8, 1e9, 9e9], [2e9, 2e10, 3e11])
    >>> size, tokens = (np.tile(axis.ravel(), 2) for axis in grid)
    >>> floor = np.repeat([1.5, 1.8], 9)
    >>> table = {"num_params": size, "num_tokens": tokens, "mix": np.repeat(["web", "code"], 9)}
    >>> runs = Runs.read(table | {"loss": floor + 400 / size**0.34 + 400 / tokens**0.28})
    >>> fits = fit_groups(Chinchilla, runs, group="mix", own=["E"], num_starts=32)
    >>> {name: round(float(each.law.E), 3) for name, each in fits.items()}
    {'code': 1.8, 'web': 1.5}
    """
    options = options.replaced(**changes)
    if options.cluster is not None:
        raise ValueError(
            "fit_groups cannot resample whole clusters: leave out cluster, or fit each group alone"
        )
    task = prepare(law_type, runs, options)
    chosen = task.runs
    elements = _check_own(law_type, own, {*task.frozen, *task.restraints.tie})
    labels, places = np.unique(chosen.groups(group), return_inverse=True)
    names = tuple(f"{x:.15g}" if isinstance(x, float) else str(x) for x in labels.tolist())
    counts = np.bincount(places)
    if counts.min() * len(chosen.outcome_titles) <= len(elements):
        raise ValueError(
            f"group {names[counts.argmin()]} has {counts.min()} runs, too few for its "
            f"{len(elements)} own coefficients"
        )
    groups = Groups(labels=names, places=places, own=elements)
    whole = solve(dataclasses.replace(task, groups=groups))
    fits = {
        label: _of_group(whole, place, chosen.where(places == place))
        for place, label in enumerate(groups.labels)
    }
    if options.throw and whole.status > Status.FLAT_DIRECTION:
        raise NotSolvedError(f"the fit ended with the status {whole.status.name}", fits)
    return fits


def _check_own(law_type: type[Law], own: Sequence[str], held: set[str]) -> tuple[str, ...]:
    """The elements of the coefficients in `own`.

    Raises:
        ValueError: a name is not a free coefficient, or the unit of a coefficient that is not in
            `own` depends on one that is.
    """
    known = declarations(law_type)
    for name in own:
        if split_index(name)[0] not in known or name in held:
            free = ", ".join(each for each in known if each not in held)
            raise ValueError(
                f"own: {name!r} is not a free coefficient; the free coefficients are {free}"
            )
    given, _ = sort_names(law_type, dict.fromkeys(own))
    elements = [each for each in by_element(law_type, "own", given) if each not in held]
    fields = {split_index(element)[0] for element in elements}
    for name, declared in known.items():
        exponents = {each for power in declared.unit for each in power.coefficients}
        for exponent in sorted(exponents & fields):
            if name not in fields:
                raise ValueError(
                    f"own contains {exponent}, and the unit of {name} depends on it. "
                    f"Add {name} to own too."
                )
    return tuple(elements)


def _of_group(whole: FitResult, place: int, runs: Runs) -> FitResult:
    """The fit of one group. A leaf with an axis over the groups has one axis more than others."""

    def own(tree: Tree, num_axes: int) -> Tree:
        """The tree of the group; the axis over the groups follows `num_axes` axes of draws."""

        def of_group(leaf: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
            has_groups = leaf.ndim > num_axes + len(shape)
            return np.take(leaf, place, axis=num_axes) if has_groups else leaf

        leaves, structure = jax.tree.flatten(tree)
        return jax.tree.unflatten(structure, map(of_group, leaves, element_shapes(tree)))

    inputs = {name: runs.inputs[name] for name in whole.law.input_names}
    return dataclasses.replace(
        whole,
        law=own(whole.law, 0),
        ensemble=own(whole.ensemble, 1),
        jackknife=own(whole.jackknife, 1),
        other_optima=tuple(
            dataclasses.replace(each, law=own(each.law, 0)) for each in whole.other_optima
        ),
        fitted_range={k: (float(v.min()), float(v.max())) for k, v in inputs.items()},
        num_runs=len(runs),
        provenance=fingerprint([*inputs.values(), runs.loss], runs.rows),
    )
