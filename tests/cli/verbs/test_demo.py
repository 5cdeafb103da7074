"""`jaxlaws demo`: the files that a newcomer opens."""

import re

import jaxlaws
from jaxlaws.cli.answers.demo_report import FILES


def test_demo_writes_a_report_with_its_pictures_and_laws(run, tmp_path):
    ran = run("demo", "-o", tmp_path, "--bootstrap", 2)
    assert ran.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    for name in ("supervised", "distillation"):
        assert jaxlaws.load(tmp_path / f"{name}.json").input_names
    pictures = re.findall(r"!\[.+\]\((.+)\.svg\)", text)
    assert {f"{name}.svg" for name in pictures} == {n for n in FILES if n.endswith(".svg")}
    assert pictures.index("decision") < pictures.index("supervised-runs")
    assert page.count("<figcaption>Figure ") == len(pictures)
    assert page.count("constant loss") >= 3  # a baseline for every hold-out
    answer = page[page.index("The answer") : page.index("Data and fit")]
    assert "With 1e12 FLOPs and a student of 40K parameters" in answer
    for scenario in ("free", "inference", "pretraining", "full"):
        assert f"<strong>{scenario}</strong> (" in answer
        assert f"{scenario}: " in answer[answer.index("<figcaption>") :]
    assert "as good as tokens can make it" in answer
    assert "do not distinguish gamma from infinity" in page
    assert "margin" in ran.out
    assert re.search(r"\[1/5\] .* about \d+ s left", ran.err)


def test_a_budget_too_small_for_the_student_is_refused_before_anything_is_fitted(refused, tmp_path):
    reported = refused("demo", "-o", tmp_path / "demo", "--student", "1M", "--flops", "1e9")
    assert (
        "does not train 1M parameters on even 1K tokens, which takes 6e9: raise --flops" in reported
    )
    assert not (tmp_path / "demo").exists()
