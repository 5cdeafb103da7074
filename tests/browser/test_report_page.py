"""A report in a browser: a telephone, a wide screen, and paper."""

import pytest

from fitting import markdown_table, to_page

NAMES = [f"supervised.coefficient_{index}" for index in range(11)]
WIDE = markdown_table(["", *NAMES], [[name, *["+0.98"] * 11] for name in NAMES])


@pytest.mark.parametrize(
    ("media", "width"), [("screen", 390), ("screen", 1280), ("screen", 2560), ("print", 720)]
)
def test_a_wide_table_does_not_widen_the_page(browser, media, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.emulate_media(media=media)
    page.set_content(to_page(["# A report", "Some words.", WIDE], "A report"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if media == "print":  # paper does not scroll
        right = page.evaluate("document.querySelector('table').getBoundingClientRect().right")
        assert right <= width
    page.close()
