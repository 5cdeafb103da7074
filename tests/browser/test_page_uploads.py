"""The view "Your runs": good, bad and hostile tables, the fit, and two tabs at the same time."""

import numpy as np
import pytest

from jaxlaws.laws.chinchilla import Chinchilla

LAW = Chinchilla(E=1.8, A=400.0, alpha=0.34, B=1100.0, beta=0.30)


def table(seed=0, names=("params", "tokens", "loss"), noise=0.002, runs=30):
    """The text of a CSV of runs on a known law."""
    rng = np.random.default_rng(seed)
    params = 10 ** rng.uniform(7.5, 9.5, runs)
    tokens = 10 ** rng.uniform(9, 11, runs)
    loss = np.asarray(LAW.loss(num_params=params, num_tokens=tokens)) * np.exp(
        noise * rng.normal(size=runs)
    )
    rows = "\n".join(
        f"{a:.6g},{b:.6g},{c:.6g}" for a, b, c in zip(params, tokens, loss, strict=True)
    )
    return ",".join(names) + "\n" + rows + "\n"


def upload(page, text, name="runs.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": content})


def refusal(page, visit):
    """The sentence that a bad file gets."""
    page.wait_for_selector("#upload-error:not(:empty)")
    visit.problems.clear()  # the browser logs the status of the answer
    return page.inner_text("#upload-error")


def fit(page, draws="100"):
    page.select_option("#fit-draws", draws)
    page.click("button:text-is('Fit')")
    page.wait_for_selector("body[data-drawn=fit]", timeout=120_000)


def test_an_upload_is_confirmed_fitted_and_used_by_another_view(visit):
    page = visit("view=your-runs")
    upload(page, table())
    page.wait_for_selector(".columns table")
    meanings = page.locator(".columns tbody tr select").evaluate_all(
        "all => all.map((each) => each.selectedOptions[0].textContent)"
    )
    assert len(meanings) == 3
    assert "not used" not in meanings
    assert "30 rows" in page.inner_text("#sentence")
    fit(page)
    assert "job=" in page.url
    assert page.locator("figure.chart").count() >= 1
    first = page.inner_text("#sentence")
    assert visit(page.url.split("?")[1], context=page.context).wait_for_selector("figure.chart")
    with page.expect_download() as download:
        page.locator(".downloads a.button").first.click()
    assert download.value.path().stat().st_size > 100
    page.click(".use-law a >> nth=0")
    page.wait_for_selector("body:not(.busy)", timeout=300_000)  # a new kind of law is compiled
    assert "law=fit" in page.url
    assert page.inner_text("#error") == ""
    page.go_back()
    page.wait_for_selector(".downloads a.button")
    assert page.inner_text("#sentence") == first


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (table().replace("\n", "\n1e9,2e10,abc\n", 1), "abc"),
        ("", "runs.csv"),
        ("params,tokens,loss\n", "runs.csv"),
        (b"params,tokens,loss\n1e9,2e10,\xff\xfe\x00\n", "runs.csv"),
        (bytes(range(256)) * 40, "runs.csv"),
    ],
    ids=["a cell of letters", "nothing", "no rows", "not UTF-8", "bytes"],
)
def test_a_bad_file_gets_a_sentence_with_the_place(visit, text, place):
    page = visit("view=your-runs")
    upload(page, text)
    if b"abc" in (
        text if isinstance(text, bytes) else text.encode()
    ):  # found by the file or the fit
        page.wait_for_selector(
            ".columns .problem, #upload-error:not(:empty), button:text-is('Fit')"
        )
        if page.is_visible("button:text-is('Fit')"):
            page.click("button:text-is('Fit')")
    said = refusal(page, visit)
    assert place in said
    assert len(said) < 600
    upload(page, table())  # the page goes on
    page.wait_for_selector(".columns table")
    assert page.inner_text("#upload-error") == ""


def test_columns_that_are_not_recognised_are_chosen_by_hand(visit):
    page = visit("view=your-runs", viewport={"width": 390, "height": 844})
    upload(page, table(names=("how_big", "tokens", "how_bad")))
    page.wait_for_selector(".columns table")
    assert page.is_disabled("button:text-is('Fit')")
    assert "Choose which columns" in page.inner_text("#sentence")
    page.select_option("select[aria-label$=how_big]", "num_params")
    page.select_option("select[aria-label$=how_bad]", "loss")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert "nats per token" in page.inner_text(".columns tr:has-text('how_bad')")
    fit(page)
    assert "30 runs" in page.inner_text("#sentence")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_in_another_encoding_is_read(visit, encoding):
    page = visit("view=your-runs")
    upload(page, table().encode(encoding))
    page.wait_for_selector(".columns table")
    assert "32M to 3.12B, 30 values" in page.inner_text(".columns")


def test_markup_in_names_stays_text(visit):
    hostile = '<img src=x onerror="document.title=1">'
    page = visit("view=your-runs")
    upload(
        page,
        table(names=("params", "tokens", f'"{hostile.replace(chr(34), chr(34) * 2)}"')),
        f"{hostile}.csv",
    )
    page.wait_for_selector(".columns table")
    assert hostile in page.inner_text(".columns")
    assert page.locator("main img").count() == 0
    assert page.title().endswith("jaxlaws explorer")


def test_a_table_of_a_thousand_columns_is_shown(visit):
    header, *rows = table().splitlines()
    more = ",".join(f"extra{index}" for index in range(997))
    wide = [f"{header},{more}", *(f"{row},{','.join(['0'] * 997)}" for row in rows)]
    page = visit("view=your-runs")
    upload(page, "\n".join(wide))
    page.wait_for_selector(".columns table, #upload-error:not(:empty)")
    assert page.inner_text("#upload-error") == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_file_of_100_mb_is_refused(visit, tmp_path):
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    page = visit("view=your-runs")
    page.set_input_files("#file", large)
    said = refusal(page, visit)
    assert "100 MB" in said
    assert "20 MB" in said


def test_the_server_refuses_100_mb_too(visit):
    page = visit("view=your-runs")
    status = page.evaluate(
        """async () => {
          const body = new Blob(Array(100).fill(new Uint8Array(1e6)));
          try {
            return (await fetch("/api/table?name=large.csv", { method: "POST", body })).status;
          } catch {
            return "closed";
          }
        }"""
    )
    assert status in (413, "closed")  # the server need not read what it refuses
    visit.problems.clear()


def test_two_tabs_with_two_tables_do_not_mix(visit):
    one = visit("view=your-runs")
    two = visit("view=your-runs", context=one.context)
    upload(one, table(runs=30))
    upload(two, table(seed=1, runs=36))
    for page, rows in ((one, "30"), (two, "36")):
        page.wait_for_selector(".columns table")
        assert f"{rows} rows" in page.inner_text("#sentence")
        page.select_option("#fit-draws", "100")
    one.click("button:text-is('Fit')")
    two.click("button:text-is('Fit')")
    for page in (one, two):
        page.wait_for_selector("body[data-drawn=fit]", timeout=120_000)
    assert one.url != two.url
    assert one.inner_text("#sentence") != two.inner_text("#sentence")
    assert "30" in one.inner_text("main")
    assert "36" in two.inner_text("main")
