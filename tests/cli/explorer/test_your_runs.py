"""From a table to a law that all views can use."""

import time

import numpy as np
import pytest

from fitting import FitResult
from jaxlaws import presets


@pytest.fixture(scope="module")
def table():
    law = presets.load("besiroglu2024")
    sizes, tokens = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(2e9, 2e11, 5))
    losses = np.asarray(law.loss(num_params=sizes, num_tokens=tokens))
    losses = losses * np.exp(2e-3 * np.random.default_rng(1).normal(size=losses.shape))
    rows = zip(sizes.ravel(), tokens.ravel(), losses.ravel(), strict=True)
    text = "".join(f"{size:.6e},{token:.6e},{loss:.6f}\n" for size, token, loss in rows)
    return b"N,<b>D</b>,loss\n" + text.encode()


def fitted(client, content, columns, law="chinchilla", draws=20):
    uploaded = client.post("/api/table", params={"name": "my runs.csv"}, content=content).json()
    request = {"table": uploaded["table"], "columns": columns, "law": law, "draws": draws}
    started = client.post("/api/fit", json=request)
    assert started.status_code == 200, started.text
    fractions = []
    while True:
        found = client.get("/api/job", params={"id": started.json()["job"]}).json()
        fractions.append(found["fraction"])
        assert found["elapsed"] <= found["expected"] or not found["done"]
        if found["done"]:
            return found, fractions
        time.sleep(0.05)


COLUMNS = {"num_params": "N", "num_tokens": "<b>D</b>", "loss": "loss"}


def test_a_fit_shows_progress_and_its_law_serves_all_views(client, table, tmp_path):
    found, fractions = fitted(client, table, COLUMNS)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert "error" not in found
    result = found["result"]
    assert "mean error of" in result["sentence"]
    assert [each["id"] for each in result["charts"]] == ["fit", "residuals"]
    coefficients = {row[0]: row for row in result["tables"][0]["rows"]}
    assert list(coefficients) == ["E", "A", "alpha", "B", "beta"]
    law = presets.load("besiroglu2024")
    assert float(coefficients["alpha"][1]) == pytest.approx(law.alpha, rel=0.1)
    assert len(result["charts"][1]["series"][0]["x"]) == 30

    for download in result["downloads"]:
        got = client.get(download["href"])
        assert got.status_code == 200
        assert "attachment" in got.headers["content-disposition"]
        if "JSON" in download["label"]:
            (tmp_path / "fit.json").write_bytes(got.content)
        if "HTML" in download["label"]:
            assert b"<b>D</b>" not in got.content
    saved = FitResult.load(tmp_path / "fit.json").law
    shown = client.get(
        "/api/answer",
        params={"view": "supervised", "law": result["law"], "num_params": "1e9"},
    ).json()
    loss = float(saved.loss(num_params=1e9, num_tokens=1e11))
    assert f"{loss:.4f}" in shown["sentence"]
    views = client.get("/api/views").json()["views"]
    names = [each["value"] for each in views[1]["controls"][2]["choices"]]
    assert result["law"] in names
    assert result["law"] not in [
        each["value"] for control in views[2]["controls"] for each in control.get("choices", ())
    ]


def test_the_same_request_is_the_same_fit_and_another_is_not(client, table):
    first, _ = fitted(client, table, COLUMNS)
    again, fractions = fitted(client, table, COLUMNS)
    assert again["result"] == first["result"]
    assert fractions == [1]
    other, _ = fitted(client, table, COLUMNS, draws=0)
    assert other["result"]["law"] != first["result"]["law"]
    assert len(other["result"]["tables"][0]["columns"]) == 2


@pytest.mark.parametrize(
    ("columns", "law", "said"),
    [
        ({"num_params": "N", "loss": "loss"}, "chinchilla", "num_tokens"),
        ({**COLUMNS, "loss": "no"}, "chinchilla", "no"),
        (COLUMNS, "no_law", "no_law"),
        (COLUMNS, "distillation_limit", "num_student_params"),
    ],
)
def test_a_fit_that_cannot_be_says_why(client, table, columns, law, said):
    found, _ = fitted(client, table.replace(b"<b>D</b>", b"x"), columns | (
        {"num_tokens": "x"} if "num_tokens" in columns else {}
    ), law)  # fmt: skip
    assert found["done"]
    assert said in found["error"]
    assert "/tmp/" not in found["error"]
    assert client.get("/api/views").status_code == 200
