"""Text from files cannot break a table, and HTML in it is shown as text."""

import numpy as np
from by_hand import size_columns
from laws_of_tests import SizeLaw

from fitting import Runs, hold_out
from fitting.reporting.fit_figures import roll_out_errors
from fitting.reporting.markdown import latex_table, markdown_table
from fitting.reporting.pages import to_page
from fitting.reporting.tables import error_table
from fitting.validation.cross_validation import RollOut

AWKWARD = "a | b\n| c <script>alert(1)</script> $x$"


def test_a_cell_stays_one_cell():
    page = to_page([markdown_table(["name", "loss"], [[AWKWARD, "2.41"]])], "title")
    assert page.count("<tr>") == 2
    assert page.count("<td") == 2
    assert "<script>" not in page
    assert "a | b | c &lt;script&gt;" in page
    latex = latex_table(["name", "loss"], [[AWKWARD, "2.41"]])
    assert latex.count(r"\\") == 2
    assert len(latex.splitlines()) == 7


def test_names_of_hold_outs_may_contain_any_text():
    runs = Runs.read(size_columns(), law_type=SizeLaw)
    held = hold_out(SizeLaw, runs, np.arange(12) >= 9, name=AWKWARD, num_starts=16)
    page = to_page([error_table([held])], "title")
    assert page.count("<tr>") == 3
    rolled = RollOut(
        by="num_params",
        hold_outs=(held,),
        frontiers=np.array([1e8]),
        decades=(np.array([0.1, 0.2, 0.3]),),
    )
    figure = roll_out_errors(rolled)
    figure.canvas.draw()
    assert any(r"\$x\$" in text for text in figure.axes[0].get_legend_handles_labels()[1])
