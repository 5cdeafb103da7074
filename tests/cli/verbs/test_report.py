"""`jaxlaws report`: one page that stands alone."""

import csv

import numpy as np

from fitting import Runs, fit
from jaxlaws.laws.chinchilla import Chinchilla


def test_a_page_on_a_fit_and_its_plans(run, refused, tmp_path):
    sizes, tokens = (grid.ravel() for grid in np.meshgrid([1e8, 4e8, 2e9], [2e9, 2e10, 1e11]))
    rng = np.random.default_rng(0)
    loss = (1.8 + 480 / sizes**0.35 + 2100 / tokens**0.37) * np.exp(3e-3 * rng.normal(size=9))
    table = tmp_path / "runs.csv"
    with table.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["num_params", "num_tokens", "final"])
        writer.writerows(zip(sizes, tokens, loss, strict=True))
    runs = Runs.read(table, {"loss": "final"}, Chinchilla)
    fit(Chinchilla, runs, freeze={"E": 1.8}, num_starts=16, bootstrap=8).save(tmp_path / "fit.json")
    page = tmp_path / "page.html"
    ran = run(
        "report", tmp_path / "fit.json", "-o", page, "--table", table, "--column", "loss=final"
    )
    assert ran.code == 0, ran.err
    assert ran.out == f"wrote {page}\n"
    text = page.read_text()
    assert "<h2>Chinchilla</h2>" in text
    assert "frozen" in text
    assert text.count("data:image/png;base64,") == 3
    assert "<h2>Compute-optimal plans</h2>" in text
    assert "1.2e21" in text  # 6 x 2e9 x 1e11
    assert "[" in text[text.index("Compute-optimal plans") :]


def test_a_file_without_a_fit_is_refused(run, refused, tmp_path):
    import jaxlaws
    from jaxlaws import presets

    jaxlaws.save(presets.load("hoffmann2022"), tmp_path / "law.json")
    assert "holds a law but no fit" in refused("report", tmp_path / "law.json")
    assert "none.json" in refused("report", tmp_path / "none.json")
