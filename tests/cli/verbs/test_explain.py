"""The glossary has an entry for each status and scenario of the program."""

import pytest

from fitting import Status as FitStatus
from jaxlaws.cli.options.plan_options import SCENARIOS
from jaxlaws.foundations.text.cells import DISTANCE, SHARES, WORDS
from jaxlaws.foundations.text.glossary import entries_of, terms
from jaxlaws.planning import Status, Winner


@pytest.mark.parametrize("kind", [Status, FitStatus])
def test_each_status_has_an_entry(kind):
    section = "Status of a plan" if kind is Status else "Status of a fit"
    for status in kind:
        assert section in [entry.section for entry in entries_of(status.name.lower())]


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_has_an_entry(name):
    assert entries_of(name)[0].section == "Scenario"


def test_words_of_tables_have_an_entry():
    winners = [each.name for each in Winner if each is not Winner.NONE]
    words = "margin gain draws outside crossover held-out predictor family fleet catalogue gamma"
    for word in (
        *winners,
        *words.split(),
        "standard error",
        "tokens per parameter",
        "Pareto-optimal",
    ):
        assert entries_of(word)


@pytest.mark.parametrize("heading", [*WORDS.values(), *SHARES.values(), *DISTANCE.values()])
def test_the_words_of_plans_have_an_entry(heading):
    ordinary = {"for", "per", "the", "on", "spent", "data", "training", "teacher's"}
    for word in set(heading.split()) - ordinary:
        assert entries_of(word)


def test_terms_of_one_entry_and_of_a_table_are_found():
    assert entries_of("teacher") == entries_of("Student")
    assert entries_of("FREE_TEACHER") == entries_of("free")
    assert entries_of("MoE") == entries_of("mixture of experts") == entries_of("experts")
    assert "charged with" in entries_of("scenario")[0].text


def test_an_unknown_term_names_similar_ones():
    with pytest.raises(ValueError, match=r"did you mean .*Hold-out"):
        entries_of("holdout s")


def test_explain_prints_the_entry(run, refused):
    out = run("explain", "infeasible").out
    assert out.startswith("INFEASIBLE: no plan keeps the budget and the bounds")
    both = run("explain", "CONVERGED").out
    assert "Status of a plan. CONVERGED" in both
    assert "Status of a fit. CONVERGED" in both
    assert max(map(len, both.splitlines())) <= 80
    assert "the glossary has no term 'nothing'" in refused("explain", "nothing")
    assert "A / N**alpha is" in run("explain", "alpha").out
    assert "jaxlaws presets besiroglu2024" in run("explain", "besiroglu2024").out


def test_explain_without_a_term_lists_all(run):
    out = run("explain").out
    assert "Plans: Compute-optimal" in out
    assert all(entries_of(term) for words in terms().values() for term in words)
