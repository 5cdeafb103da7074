"""The arrays of an answer as columns of Arrow."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from jaxlaws.foundations.annotations import Array
from jaxlaws.planning.plan_dict import enum_of

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_table(arrays: Mapping[str, Array], count: int) -> "pa.Table":
    """A table with one row for each entry.

    A number that is not finite is missing. Enums are their names, as dictionaries of texts. An
    array with more axes has a list in each row.

    Args:
        arrays: the columns by name: numbers, or arrays whose first axis has the rows.
        count: the number of rows.

    Raises:
        ValueError: the first axis of an array has another length.
    """
    import pyarrow as pa

    return pa.table({name: _column(name, value, count) for name, value in arrays.items()})


def _column(name: str, value: Array, count: int) -> "pa.Array":
    import pyarrow as pa

    array = np.asarray(value)
    if array.ndim == 0:
        array = np.broadcast_to(array, (count,))
    if len(array) != count:
        raise ValueError(f"{name} has {len(array)} entries for {count} rows")
    column = _flat_column(name, np.ravel(array))
    for size in reversed(array.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column


def _flat_column(name: str, values: np.ndarray) -> "pa.Array":
    import pyarrow as pa

    members = enum_of(name)
    if members is not None:
        known = sorted(members)
        indices = np.searchsorted(known, values).astype(np.int8)
        names = pa.array([each.name for each in known])
        return pa.DictionaryArray.from_arrays(pa.array(indices), names)
    if np.issubdtype(values.dtype, np.floating):
        return pa.array(values, mask=~np.isfinite(values))
    return pa.array(values)
