"""Runs as short texts: which runs two tables share, and files that were changed by hand."""

import numpy as np
import pytest

from jaxlaws.foundations.errors import DataError
from jaxlaws.foundations.provenance import check_fingerprint, compare_tables, fingerprint

SIZES, LOSSES = np.array([1e6, 1e7, 1e8, 1e8]), np.array([4.0, 3.0, 2.5, 2.5])


def of(chosen, first_row=2):
    return fingerprint([SIZES[chosen], LOSSES[chosen]], first_row + np.arange(len(chosen)))


def test_rows_may_move_and_repeat():
    """The last two runs are equal: one of them is lost, whichever."""
    changes = compare_tables(of([0, 1, 2, 3]), of([2, 0], first_row=10))
    assert (changes.added, changes.num_kept) == ((), 2)
    assert changes.lost in ((3, 4), (3, 5))
    changes = compare_tables(of([0, 2]), of([3, 0, 1, 2]))
    assert (changes.num_kept, changes.lost, len(changes.added)) == (2, (), 2)


def test_a_corrected_loss_is_another_run():
    corrected = fingerprint([SIZES[:2], LOSSES[:2] + np.array([0.0, 1e-9])], np.array([2, 3]))
    changes = compare_tables(of([0, 1]), corrected)
    assert (changes.added, changes.lost, changes.num_kept) == ((3,), (3,), 1)


@pytest.mark.parametrize("change", [{"runs": 3}, {"runs": "2:xyz"}, {"more": 1}])
def test_a_changed_file_is_refused(change):
    with pytest.raises(DataError, match="provenance"):
        check_fingerprint(of([0, 1]) | change)
