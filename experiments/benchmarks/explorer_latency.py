"""From a move of a slider to the redrawn picture, in Chromium.

Run it with `python -m experiments.benchmarks.explorer_latency`. It needs the extras `explore` and
`browser`, and a Chromium of the system. One explorer is started, each view is opened, and its
sliders are moved one after the other. A move has ended when the answer to it is drawn and the
browser has painted the frame. The table has milliseconds: the whole way (median, 95th percentile
and the slowest), and the parts of it in the request and in compiled programs (medians).
"""

import argparse
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
from playwright.sync_api import Page, sync_playwright

VIEWS = ("strategies", "supervised", "capacity-gap", "when-to-distil", "split")
_COLUMNS = ("median", "p95", "worst", "request", "compiled")

# Moves the sliders in turn, each to a place far from the last one, and waits for the painted frame.
_MOVES = """async (count) => {
  const sliders = [...document.querySelectorAll("#controls input[type=range]:not(:disabled)")];
  const settled = () => document.body.dataset.drawn === document.body.dataset.wanted;
  const times = [];
  for (let move = 0; move < count; move += 1) {
    const slider = sliders[move % sliders.length];
    slider.value = Math.round(Number(slider.max) * (0.3 + 0.4 * ((move * 0.618) % 1)));
    performance.clearResourceTimings();
    const begin = performance.now();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    while (!settled()) await new Promise((next) => setTimeout(next));
    await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
    const whole = performance.now() - begin;
    const request = performance.getEntriesByType("resource").at(-1)?.duration ?? NaN;
    const compiled = document.getElementById("time").textContent.split(" in ")[1];
    times.push([whole, request, parseFloat(compiled)]);
  }
  return times;
}"""


def measure(page: Page, origin: str, view: str, moves: int) -> list[float]:
    """The numbers of one view, in milliseconds, in the order of the columns."""
    page.goto(f"{origin}/?view={view}")
    page.wait_for_selector("body:not(.busy)", timeout=120_000)
    page.evaluate(_MOVES, 5)  # the first frames of a page are slower
    whole, request, compiled = np.transpose(page.evaluate(_MOVES, moves))
    ends = [np.median(whole), np.percentile(whole, 95), np.max(whole)]
    return [float(each) for each in (*ends, np.nanmedian(request), np.nanmedian(compiled))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=100, help="moves in each view")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    options = parser.parse_args(arguments)
    program = "from jaxlaws.cli.main import main; main()"
    command = [sys.executable, "-c", program, "explore", "--no-browser"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        sync_playwright() as playwright,
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            browser = playwright.chromium.launch(
                executable_path=options.chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(url)
            print(f"Chromium {browser.version}, {platform.machine()}, {options.moves} moves a view")
            print("| view | " + " | ".join(_COLUMNS) + " |")
            print("|---|" + "---|" * len(_COLUMNS))
            for view in VIEWS:
                numbers = measure(page, url.split("/?")[0], view, options.moves)
                print(f"| {view} | " + " | ".join(f"{each:.1f}" for each in numbers) + " |")
            browser.close()
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
