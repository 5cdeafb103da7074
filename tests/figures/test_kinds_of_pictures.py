"""What every picture of the package has: labelled ticks, units, legends beside the data, one look.

The functions that draw are discovered; each needs an example in `picture_examples.py`.
"""

import ast
import functools
import importlib
import inspect
import io
import itertools
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

import fitting.reporting
import jaxlaws.figures
from jaxlaws.figures import style
from jaxlaws.figures.axes import log_ticks
from tests.figures.picture_examples import EXAMPLES

ROOT = Path(inspect.getfile(jaxlaws)).parents[1]


def drawing_functions():
    """The public functions of both rooms that return a figure and take a title, by name."""
    found = {}
    for room in (jaxlaws.figures, fitting.reporting):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            for name, each in vars(importlib.import_module(module.name)).items():
                if not inspect.isfunction(each) or name.startswith("_"):
                    continue
                signature = inspect.signature(each)
                is_own = each.__module__ == module.name and "title" in signature.parameters
                if is_own and signature.return_annotation in (Figure, "Figure"):
                    found[name] = each
    # These choose one of the others.
    return {n: each for n, each in found.items() if n != "picture_of"}


FUNCTIONS = drawing_functions()


@functools.cache
def drawn(name):
    figure = EXAMPLES[name](FUNCTIONS[name])
    FigureCanvasAgg(figure).draw()
    return figure


def axes_of(name):
    return [axes for axes in drawn(name).axes if axes.get_visible()]


def number_axes(name):
    """The axes of numbers, without those of names."""
    both = [axis for axes in axes_of(name) for axis in (axes.xaxis, axes.yaxis)]
    return [axis for axis in both if not isinstance(axis.get_major_locator(), FixedLocator)]


def labels_of(axis):
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return [
        text.get_text() for place, text in ticks
        if low - slack <= place <= high + slack and text.get_text()
    ]  # fmt: skip


def texts_of(name):
    return [
        text.get_text() for text in drawn(name).findobj(lambda each: hasattr(each, "get_text"))
    ]  # fmt: skip


def test_every_function_that_draws_has_an_example():
    assert FUNCTIONS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_axis_has_three_labelled_ticks_and_no_tick_without_a_label(name):
    for axis in number_axes(name):
        labels = labels_of(axis)
        assert len(labels) >= 3, (axis.get_label_text(), labels)
        assert len(set(labels)) == len(labels)
        assert not len(axis.get_minorticklocs())


@pytest.mark.parametrize("name", EXAMPLES)
def test_flops_have_exponents_and_counts_have_suffixes(name):
    for axis in number_axes(name):
        for label in labels_of(axis):
            if "FLOPs" in axis.get_label_text():
                assert re.fullmatch(r"\d(\.\d+)?e\d+", label), label
            elif re.search("parameters$|tokens$", axis.get_label_text()):
                far = axis.get_view_interval()[1] >= 1e15
                pattern = r"\d(\.\d+)?e\d+" if far else r"\d+(\.\d+)?[KMBT]?"
                assert re.fullmatch(pattern, label), label
    for text in texts_of(name):
        assert not re.search(r"\d[KMBT] FLOPs", text), text


@pytest.mark.parametrize("name", EXAMPLES)
def test_words_are_plain_and_losses_have_a_unit(name):
    for text in texts_of(name):
        assert "num_" not in text
    for axis in number_axes(name):
        label = axis.get_label_text()
        if re.search(r"\b(loss|gain)\b", label):
            assert re.search(r"\(.+\)", label), label
    assert "the title" in " ".join(drawn(name).get_suptitle().split())


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_legend_covers_the_axes(name):
    renderer = drawn(name).canvas.get_renderer()
    for axes in axes_of(name):
        legend = axes.get_legend()
        if legend is None:
            continue
        box = legend.get_window_extent(renderer)
        for other in axes_of(name):
            area = other.get_window_extent(renderer)
            overlap = min(box.y1, area.y1) - max(box.y0, area.y0)
            beside = min(box.x1, area.x1) - max(box.x0, area.x0)
            assert overlap <= 0.5 or beside <= 0.5
        whole = drawn(name).bbox
        assert box.x0 >= whole.x0
        assert box.x1 <= whole.x1


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_text_covers_another_or_leaves_the_picture(name):
    figure = drawn(name)
    renderer = figure.canvas.get_renderer()
    for axes in axes_of(name):
        for axis in (axes.xaxis, axes.yaxis):
            shown = [each.get_text() for each in axis.get_majorticklabels()]
            boxes = [
                each.get_window_extent(renderer) for each in axis.get_majorticklabels()
                if each.get_text() and each.get_rotation() == 0
                and axis.get_view_interval().min() <= each.get_position()[axis is axes.yaxis]
                <= axis.get_view_interval().max()
            ]  # fmt: skip
            pairs = itertools.combinations(boxes, 2)
            assert not any(one.overlaps(other) for one, other in pairs), shown
        label = axes.yaxis.label.get_window_extent(renderer)
        assert label.height <= figure.bbox.height
        title = figure._suptitle.get_window_extent(renderer)
        assert not label.overlaps(title), axes.get_ylabel()


def test_runs_of_one_size_each_have_curves_too():
    figure = drawn("loss_against_tokens_and_compute")
    assert all(len(axes.lines) == 8 for axes in figure.axes)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_label_has_one_colour_in_all_panels_and_a_colour_one_label(name):
    colours = {}
    for axes in axes_of(name):
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            colour = np.ravel(getattr(handle, "get_color", handle.get_facecolor
                                      if hasattr(handle, "get_facecolor") else None)())  # fmt: skip
            key = str(handle.get_color()) if hasattr(handle, "get_color") else str(colour[:3])
            assert colours.setdefault(label, key) == key
    roles = {each: label for label, each in colours.items() if each in style.ROLES.values()}
    assert len(roles) == sum(each in style.ROLES.values() for each in colours.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_two_files_of_the_same_picture_are_identical(name):
    def saved(kind):
        file = io.BytesIO()
        style.save_figure(EXAMPLES[name](FUNCTIONS[name]), file, kind, dpi=40)
        return file.getvalue()

    assert saved("svg") == saved("svg")
    assert b"<dc:date>" not in saved("svg")


def test_pdf_and_png_are_identical_too():
    for kind in ("pdf", "png"):
        files = [io.BytesIO(), io.BytesIO()]
        for file in files:
            figure = EXAMPLES["intervals"](FUNCTIONS["intervals"])
            style.save_figure(figure, file, kind)
        assert files[0].getvalue() == files[1].getvalue()


def test_extrapolated_ranges_are_shaded():
    for name in ("allocation", "decision", "near_optimal_ranges", "loss_against_serving",
                 "teacher_catalogue", "gain_by_scenario"):  # fmt: skip
        for axes in axes_of(name):
            assert any(patch.get_x() > axes.get_xlim()[0] for patch in axes.patches), name


@pytest.mark.parametrize("count", [1, 2, 8, 30])
def test_ordered_sizes_have_as_many_ordered_colours(count):
    colours = style.ordered_colours(count)
    assert len(set(colours)) == count
    channels = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours])
    assert np.all(np.diff(channels @ [0.2126, 0.7152, 0.0722]) > 0)  # luminance


@pytest.mark.parametrize("ends", [(18, 26), (0.99, 1.03), (1e3, 9e3), (2e18, 3e24), (1e3, 1e40)])
def test_ticks_of_short_and_long_axes(ends):
    ticks = log_ticks(*ends)
    assert 3 <= len(ticks) <= 9
    assert ends[0] <= ticks[0] < ticks[-1] <= ends[1] * (1 + 1e-9)


def test_only_the_style_saves_figures_and_only_its_helpers_make_legends_and_log_axes():
    own = {"savefig": "style.py", "legend": "axes.py", "set_xscale": "", "set_yscale": ""}
    for folder in ("jaxlaws", "fitting", "experiments"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    allowed = own.get(node.func.attr, path.name)
                    assert allowed == path.name, f"{path}:{node.lineno}"
