"""The built book: no page asks another site for anything, and a telephone can show every page.

`make book` builds it; without it these tests are skipped.
"""

from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2] / "out" / "book"
PAGES = sorted(BOOK.rglob("*.html"))
SIZES_OF_PAGE = "[document.documentElement.scrollWidth, window.innerWidth]"
FORMULAS_DRAWN = "window.MathJax?.startup?.promise"
WITHOUT_TEXT = "[...document.images].filter(image => !image.alt.trim()).map(image => image.src)"

pytestmark = pytest.mark.skipif(not PAGES, reason="no out/book: `make book` builds it")


@pytest.fixture
def telephone(browser):
    """A page of 390 pixels. Afterwards it has requested nothing but files."""
    page, outside = browser.new_page(viewport={"width": 390, "height": 844}), []
    page.on("request", lambda request: outside.append(request.url))
    yield page
    page.close()
    assert [url for url in outside if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_pages_fit_a_telephone_and_pictures_have_texts(telephone, every):
    faults = {}
    for path in PAGES[::every]:
        telephone.goto(path.as_uri())
        telephone.evaluate(FORMULAS_DRAWN)
        wide, window = telephone.evaluate(SIZES_OF_PAGE)
        found = [f"{wide} pixels wide"] * (wide > window) + telephone.evaluate(WITHOUT_TEXT)
        if found:
            faults[path.relative_to(BOOK).as_posix()] = found
    assert not faults


def test_the_search_works_without_a_server(telephone):
    telephone.goto((BOOK / "search.html").as_uri() + "?q=overtrained")
    telephone.wait_for_selector("ul.search li a", timeout=20_000)
    assert "overtrained" in telephone.inner_text("ul.search").lower()
    assert telephone.locator("ul.search a[href*='how_to/overtrained']").count()


def test_formulas_are_drawn(telephone):
    with_formulas = [path for path in PAGES if 'class="math' in path.read_text()]
    assert with_formulas
    for path in with_formulas[:3]:
        telephone.goto(path.as_uri())
        telephone.wait_for_selector("mjx-container svg", timeout=20_000)
