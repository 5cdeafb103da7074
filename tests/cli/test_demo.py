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
    assert 'src="teachers.svg"' in report
    assert "Still missing" in report  # until plans are part of it
