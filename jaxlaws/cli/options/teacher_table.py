"""`--teachers`: a table of existing teachers."""

import dataclasses
from collections.abc import Callable, Mapping

from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.errors import DataError

_REQUIRED = ("name", "num_teacher_params", "teacher_loss")
_ACTIVE = "num_active_params"


@dataclasses.dataclass(frozen=True, eq=False)
class TeacherTable:
    """Existing teachers.

    Attributes:
        names: what the teachers are called.
        num_teacher_params: their sizes.
        teacher_loss: their validation losses.
        num_active_params: for mixtures of experts, the parameters that one token uses; for dense
            teachers the size.
    """

    names: Array
    num_teacher_params: Array
    teacher_loss: Array
    num_active_params: Array

    def inputs(self, forward_flops: Callable[[Array], Array]) -> dict[str, Array]:
        """The inputs of `planning.rank_teachers` that describe the teachers."""
        return {
            "num_teacher_params": self.num_teacher_params,
            "teacher_loss": self.teacher_loss,
            "teacher_forward_flops": forward_flops(self.num_active_params),
        }

    @classmethod
    def read(cls, path: str, columns: Mapping[str, str] | None = None) -> "TeacherTable":
        """Read the columns name, num_teacher_params, teacher_loss, and num_active_params if any.

        Args:
            path: of the table.
            columns: the table's own name of each of these columns that has another name.

        Raises:
            DataError: columns are missing, or cells are not positive numbers. The message names
                them.
            OSError: the file cannot be opened.
        """
        import numpy as np

        from fitting import read_table
        from fitting.data.cell_values import is_missing, positive_number

        table = read_table(path)
        theirs = {name: (columns or {}).get(name, name) for name in (*_REQUIRED, _ACTIVE)}
        found = {n: table.columns[title] for n, title in theirs.items() if title in table.columns}
        missing = [theirs[name] for name in _REQUIRED if name not in found]
        missing += [theirs[_ACTIVE]] if _ACTIVE in (columns or {}) and _ACTIVE not in found else []
        for name in columns or {}:
            if name not in theirs:
                raise DataError(
                    f"--column {name}: a table of teachers has the columns {', '.join(theirs)}"
                )
        if missing:
            raise DataError(
                f"{path} has no column {', '.join(missing)}: a table of teachers needs the columns "
                f"{', '.join(_REQUIRED)}; it has {', '.join(table.columns)}. Name them "
                "with --column, such as --column teacher_loss=final_loss"
            )
        cells = {name: found[name] for name in _REQUIRED[1:]}
        sizes = cells["num_teacher_params"]
        cells[_ACTIVE] = [
            size if is_missing(active) else active
            for active, size in zip(found.get(_ACTIVE, sizes), sizes, strict=True)
        ]
        numbers, wrong = {name: [] for name in cells}, []
        for name, column in cells.items():
            for row, value in zip(table.rows, column, strict=True):
                try:
                    numbers[name].append(positive_number(value))
                except ValueError as error:
                    wrong.append(f"row {row}: {name} {error}, got {value!r}")
        if wrong:
            raise DataError(f"{path}: " + "; ".join(wrong[:20]))
        arrays = {name: np.array(values) for name, values in numbers.items()}
        return cls(names=np.array([str(name) for name in found["name"]]), **arrays)
