"""Each view in a browser: no errors, the numbers of the Python API, addresses, accessibility."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from jaxlaws import presets
from jaxlaws.foundations.quantities import format_quantity

VIEWS = [
    "strategies",
    "supervised",
    "capacity-gap",
    "when-to-distil",
    "split",
    "your-runs",
    "history",
]
AXE = (Path(__file__).parent / "vendor/axe.min.js").read_text(encoding="utf-8")


def sentence(page):
    return page.inner_text("#sentence")


def settle(page):
    """Wait until the page shows what the controls say. It asks the server in the next frame."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    page.wait_for_selector("body:not(.busy)")


def widths_of_parts(page):
    """The widths of the first three parts of the bar, in pixels, of one drawing."""
    measure = "parts => parts.slice(0, 3).map(part => part.getBoundingClientRect().width)"
    return page.locator(".bars .part").evaluate_all(measure)


def settle_address(page):
    """Wait until the address holds the state that is shown; it changes after a short rest."""
    settle(page)
    page.wait_for_url(f"**/?{page.get_attribute('body', 'data-drawn')}")


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_an_answer_pictures_controls_and_code(visit, view):
    page = visit(f"view={view}")
    assert page.title().endswith("jaxlaws explorer")
    assert page.get_attribute("#views a[aria-current=page]", "data-view") == view
    assert page.inner_text("#error") == ""
    if view == "your-runs":
        assert page.is_visible("text=Drop a table of runs here")
        return
    assert re.search(r"\d", sentence(page))
    assert page.locator("figure.chart").count() >= 1
    assert page.locator("#controls input[type=range]").count() >= 1
    for picture in page.locator(".picture").all():
        assert re.search(r"\d", picture.get_attribute("aria-label"))
        assert picture.locator("canvas, svg").count() >= 1
    page.click("#code summary")
    assert "jaxlaws" in page.inner_text("#code-python")
    assert page.inner_text("#code-shell").startswith("jaxlaws ")


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violation_in_light_and_dark(visit, view):
    page = visit(f"view={view}")
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.evaluate(AXE)
    for colours in ("light", "dark"):
        page.emulate_media(color_scheme=colours)
        page.wait_for_selector(f"html[data-theme={colours}]")
        violations = page.evaluate("async () => (await axe.run()).violations")
        found = [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations]
        assert found == [], colours


@pytest.mark.parametrize("width", [360, 768, 1280, 3840])
def test_no_page_scrolls_sideways(visit, width):
    page = visit("view=supervised", viewport={"width": width, "height": 900})
    for view in VIEWS:
        page.click(f"#views a[data-view={view}]")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view


@pytest.mark.parametrize("width", [390, 1280])
def test_tables_show_all_columns_without_scrolling(visit, width):
    page = visit("view=supervised", viewport={"width": width, "height": 900})
    for view in VIEWS:
        page.click(f"#views a[data-view={view}]")
        settle(page)
        wider = page.locator("#details .scroll").evaluate_all(
            "tables => tables.map(table => table.scrollWidth - table.clientWidth)"
        )
        assert all(each <= 0 for each in wider), (view, wider)


def test_curves_have_the_slopes_of_monotone_cubic_interpolation(visit):
    rng = np.random.default_rng(3)
    xs, ys = np.cumsum(rng.uniform(0.1, 3, (20, 12)), axis=1), rng.normal(size=(20, 12))
    script = """async ([xs, ys]) => {
      const { slopes } = await import("/static/js/charts/smooth.js");
      return xs.map((each, index) => slopes(each, ys[index]));
    }"""
    found = visit("view=supervised").evaluate(script, [xs.tolist(), ys.tolist()])
    for x, y, slopes in zip(xs, ys, found, strict=True):
        expected = PchipInterpolator(x, y).derivative()(x)
        np.testing.assert_allclose(slopes[1:-1], expected[1:-1], rtol=1e-9, atol=1e-12)


def test_a_slow_answer_says_how_long_it_has_taken(visit):
    page = visit("view=supervised")
    page.evaluate("""() => {
      const ask = window.fetch;
      window.fetch = (...given) =>
        new Promise((done) => setTimeout(() => done(ask(...given)), 3000));
    }""")
    page.locator("#controls input[type=range]").first.press("ArrowRight")
    page.wait_for_selector("#waiting:not([hidden])")
    assert re.search(r"compiles.* \d+ s$", page.inner_text("#waiting"), re.DOTALL)
    page.wait_for_selector("#waiting", state="hidden")


def test_a_slider_moves_the_loss_to_the_value_of_the_law(visit):
    page = visit("view=supervised&law=busbridge2025_refit")
    law = presets.load("busbridge2025_refit").supervised

    def expected():
        values = page.evaluate(
            "Object.fromEntries(new URLSearchParams(document.body.dataset.drawn))"
        )
        loss = law.loss(
            num_params=np.float64(values["num_params"]), num_tokens=np.float64(values["num_tokens"])
        )
        return f"{float(loss):.4f}"

    before = expected()
    assert before in sentence(page)
    slider = page.locator("#controls input[type=range]").first
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    settle(page)
    assert expected() != before
    assert expected() in sentence(page)
    assert expected() in page.inner_text("#details table")


def test_a_link_shows_the_same_view_and_back_returns(visit):
    page = visit("view=supervised")
    first = sentence(page)
    slider = page.locator("#controls input[type=range]").first
    slider.focus()
    slider.press("End")
    settle_address(page)
    moved = sentence(page)
    assert moved != first
    assert sentence(visit(page.url.split("?")[1])) == moved
    page.go_back()
    settle(page)
    assert sentence(page) == first
    page.go_forward()
    settle(page)
    assert sentence(page) == moved
    page.click("#reset")
    settle(page)
    assert sentence(page) == first


def test_the_split_is_dragged_on_the_bar(visit):
    page = visit("view=split")
    before = page.locator("#controls output").all_inner_texts()
    widths = widths_of_parts(page)
    handle = page.locator(".handle-grip").first.bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=5)
    page.mouse.up()
    settle(page)
    assert page.locator("#controls output").all_inner_texts() != before
    moved = widths_of_parts(page)
    assert abs(moved[0] - widths[0] - 30) < 4
    assert abs(moved[1] - widths[1] + 30) < 4
    assert abs(moved[2] - widths[2]) < 4


def test_a_control_without_effect_is_disabled(visit):
    page = visit("view=when-to-distil")
    assert page.is_disabled("#control-teacher_loss")
    page.select_option("#control-teacher", "existing")
    settle(page)
    assert page.is_enabled("#control-teacher_loss")


def test_a_click_on_the_map_moves_the_point(visit):
    page = visit("view=when-to-distil")
    before = page.locator("#controls output").all_inner_texts()
    page.click("#pictures .u-over", position={"x": 60, "y": 40})
    settle(page)
    assert page.locator("#controls output").all_inner_texts() != before
    assert page.inner_text("#error") == ""


def test_the_value_beside_a_slider_has_a_unit(visit):
    page = visit("view=strategies")
    for output in page.locator("#controls output").all():
        assert re.fullmatch(r"[\d.e]+[KMBT]?( [a-z]+.*| FLOPs.*|%)", output.inner_text()), output


def test_numbers_are_written_as_in_python(visit):
    values = [1.0, 12.5, 999.6, 1e3, 7e9, 1.38e12, 9.996e14, 1e15, 6.022e23, 0.123, 3.3e-5]
    values += (10 ** np.random.default_rng(0).uniform(-3, 26, 300)).tolist()
    script = """async (values) => {
      const { quantity } = await import("/static/js/numbers.js");
      return values.map((value) => quantity(value));
    }"""
    shown = visit("view=supervised").evaluate(script, values)
    expected = [format_quantity(value) for value in values]
    assert [text.replace("e-05", "e-5") for text in expected] == shown


def test_each_axis_has_two_to_nine_round_ticks(visit):
    rng = np.random.default_rng(1)
    axes = []
    for _ in range(400):
        low = 10 ** rng.uniform(-2, 24)
        axes.append({"scale": "log", "min": low, "max": low * 10 ** rng.uniform(0.1, 10)})
        axes.append({"scale": "linear", "min": low, "max": low * (1 + 10 ** rng.uniform(-2, 2))})
    script = """async (axes) => {
      const { ticksOf, tickTexts } = await import("/static/js/numbers.js");
      return axes.map((axis) => [3, 6, 9].map((most) => {
        const ticks = ticksOf(axis, most);
        return { most, ticks, texts: tickTexts({ unit: "", ...axis }, ticks) };
      }));
    }"""
    for axis, tries in zip(axes, visit("view=supervised").evaluate(script, axes), strict=True):
        for each in tries:
            ticks = each["ticks"]
            assert 2 <= len(ticks) <= max(5, each["most"]), (axis, each)
            assert len(set(each["texts"])) == len(ticks), (axis, each)
            assert ticks == sorted(ticks)
            assert axis["min"] * 0.999 <= ticks[0]
            assert ticks[-1] <= axis["max"] * 1.001


def test_the_numbers_of_a_picture_are_a_table(visit):
    page = visit("view=supervised")
    page.click("#pictures .numbers summary")
    page.locator("#pictures .numbers td").nth(100).wait_for()  # it is made when it is opened


def test_the_choice_of_colours_is_kept(visit):
    page = visit("view=supervised")
    page.select_option("#theme", "dark")
    page.reload()
    settle(page)
    assert page.get_attribute("html", "data-theme") == "dark"


def test_a_value_that_a_view_refuses_is_explained_beside_the_controls(visit):
    page = visit("view=supervised")
    page.goto(page.url.split("?")[0] + "?view=supervised&law=nonsense")
    page.wait_for_selector("#error:not(:empty)")
    assert "nonsense" in page.inner_text("#error")
    assert visit.problems
    visit.problems.clear()  # the browser logs the status 400
    page.click("#reset")
    page.wait_for_selector("#error:empty", state="attached")
    assert re.search(r"\d", sentence(page))


def test_the_page_says_when_the_server_is_gone_and_goes_on_when_it_is_back(visit):
    page = visit("view=supervised")
    first = sentence(page)
    page.context.set_offline(True)
    page.locator("#controls input[type=range]").first.press("ArrowRight")
    page.wait_for_selector("#connection:not([hidden])")
    assert "does not answer" in page.inner_text("#connection")
    page.context.set_offline(False)
    page.wait_for_selector("#connection", state="hidden")
    settle(page)
    assert sentence(page) != first
    assert all("ERR_INTERNET_DISCONNECTED" in problem for problem in visit.problems)
    visit.problems.clear()
