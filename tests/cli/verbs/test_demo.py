"""`jaxlaws demo`: the files that a newcomer opens."""

import jaxlaws


def test_demo_writes_a_report_with_its_pictures_and_laws(run, tmp_path):
    ran = run("demo", "-o", tmp_path, "--bootstrap", 2)
    assert ran.code == 0
    report = (tmp_path / "report.html").read_text()
    for name in ("supervised", "distillation"):
        assert jaxlaws.load(tmp_path / f"{name}.json").input_names
        assert f'src="{name}.svg"' in report
        assert (tmp_path / f"{name}.svg").read_text().lstrip().startswith("<?xml")
    for picture in ("teachers", "allocation", "decision"):
        assert f'src="{picture}.svg"' in report
        assert (tmp_path / f"{picture}.svg").exists()
    assert report.count("constant loss") == 3  # a baseline for every hold-out
    assert "Train, overtrain or distil? 40K parameters, 1T FLOPs" in report
    for scenario in ("free", "inference", "pretraining", "full"):
        assert f"<strong>{scenario}</strong>: " in report
    assert "as good as tokens can make it" in report
    assert "do not distinguish gamma from infinity" in report  # the limit form is fitted
    assert type(jaxlaws.load(tmp_path / "distillation.json")).__name__ == "DistillationExponential"
    assert "margin" in ran.out


def test_a_budget_too_small_for_the_student_is_refused_before_anything_is_fitted(refused, tmp_path):
    reported = refused("demo", "-o", tmp_path / "demo", "--student", "1M", "--flops", "1e9")
    assert (
        "does not train 1M parameters on even 1K tokens, which takes 6B: raise --flops" in reported
    )
    assert not (tmp_path / "demo").exists()
