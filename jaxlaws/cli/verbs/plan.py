"""`jaxlaws plan`: the group of the verbs that plan."""

import click

from jaxlaws.cli.verbs import (
    plan_compare,
    plan_crossover,
    plan_distill,
    plan_frontier,
    plan_serve,
    plan_train,
)


@click.group("plan")
def command() -> None:
    """Plan a training run with a law: the size, the tokens, the teacher, and the method."""


for _verb in (
    plan_train,
    plan_distill,
    plan_serve,
    plan_frontier,
    plan_compare,
    plan_crossover,
):
    command.add_command(_verb.command)
