"""Your runs: a table of the user, fitted on the page. The server has routes of its own for it."""

from collections.abc import Sequence

from jaxlaws.cli.explorer.charts import Answer, Code
from jaxlaws.cli.explorer.controls import Control
from jaxlaws.cli.explorer.laws import Laws
from jaxlaws.cli.explorer.view import Given, View


def _controls(_: Laws) -> Sequence[Control]:
    return []


def _answer(given: Given) -> Answer:
    runs = given.laws.runs
    started = "" if runs is None else f" The explorer was started with {len(runs)} runs."
    return Answer(
        sentence="Drop a table of runs, CSV or Parquet with size, tokens and loss, to fit a law "
        f"that all other views can use.{started}",
        charts=[],
        code=Code(
            "from fitting import Runs, fit\n"
            "from jaxlaws.laws.chinchilla import Chinchilla\n\n"
            'result = fit(Chinchilla, Runs.read("runs.csv"), bootstrap=1000)\n'
            "print(result.summary())\n",
            "jaxlaws fit runs.csv --bootstrap 1000 -o fit.json\n",
        ),
    )


VIEW = View(
    id="your-runs",
    title="Your runs",
    question="What do your own runs say about size, tokens and loss?",
    controls=_controls,
    answer=_answer,
)
