"""`jaxlaws plan`: the group of the verbs that plan."""

import click

from jaxlaws.cli.verbs.plans import compare, crossover, distill, frontier, serve, train


@click.group("plan", short_help="Plan with a law: the size, tokens, teacher and method.")
def command() -> None:
    """Plan a training run with a law: the size, the tokens, the teacher, and the method."""


for _verb in (train, distill, serve, frontier, compare, crossover):
    command.add_command(_verb.command)
