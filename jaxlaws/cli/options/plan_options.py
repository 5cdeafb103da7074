"""Options that several verbs of `jaxlaws plan` share, and the inputs that they stand for."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import click

from jaxlaws.cli.compilation_cache import keep_compiled
from jaxlaws.cli.options.common_options import is_given, json_option, law_option, output_option
from jaxlaws.cli.options.data_set_options import block_size_option, distributed_option, draws_option
from jaxlaws.cli.options.law_source import Source
from jaxlaws.cli.options.parameter_types import (
    LONG_SWEEP,
    MOST_SWEPT,
    PRICE,
    QUANTITY,
    QUANTITY_OR_ZERO,
    SWEEP,
)
from jaxlaws.cli.output.destinations import PICTURES, TABLES
from jaxlaws.cli.output.notices import show_notice
from jaxlaws.foundations.annotations import Array, Tree

if TYPE_CHECKING:
    from jaxlaws.planning import Scenario

ScenarioName = Literal["free", "inference", "pretraining", "full"]

# Keys of `click.Context.meta`. A function that takes the question of a verb in place of printing
# the answer, `receive(kind, question, inputs, source)`; and a law to plan with in place of `--law`.
RECEIVER, LAW = "jaxlaws.receiver", "jaxlaws.law"

# The name of each scenario in `jaxlaws.planning`, and which costs of the teacher it charges.
SCENARIOS: dict[ScenarioName, tuple[str, str]] = {
    "free": ("FREE_TEACHER", "The teacher costs nothing."),
    "inference": (
        "TEACHER_INFERENCE",
        "The budget pays for the teacher's logits on the student's tokens.",
    ),
    "pretraining": ("TEACHER_PRETRAINING", "The budget pays for the training of the teacher."),
    "full": (
        "TEACHER_PRETRAINING_AND_INFERENCE",
        "The budget pays for the training of the teacher and for its logits.",
    ),
}


def scenario_of(name: ScenarioName) -> "Scenario":
    """The scenario of `jaxlaws.planning` that `--scenario` names."""
    from jaxlaws import planning

    return getattr(planning, SCENARIOS[name][0])


def charged_in_words(name: ScenarioName, *, exists: bool) -> str:
    """What is charged, for a title: of a teacher that exists, only the logits may be."""
    pays = "pays for" if name in ("inference", "full") else "does not pay for"
    return f"the budget {pays} the teacher's logits" if exists else f"scenario {name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """The options of every verb of `plan`.

    Attributes:
        law_name, flops_model: `--law`, `--flops-model`.
        output: `-o`, the path of a table or a picture, or the folder of a data set.
        as_json: `--json`.
        with_draws: `--draws`, of a data set.
        block_size, distributed: `--block-size`, and whether `--distributed` is given, likewise.
    """

    law_name: str
    flops_model: Literal["2n", "transformer"]
    output: str | None
    as_json: bool
    with_draws: bool
    block_size: int
    distributed: bool

    @functools.cached_property
    def source(self) -> Source:
        """The law, which is read when a verb first uses it."""
        keep_compiled()
        source = click.get_current_context().meta.get(LAW)
        return source or Source(self.law_name, is_chosen=is_given("law_name"))

    @functools.cached_property
    def forward_flops(self) -> Callable[[Array], Array]:
        """The function that `--flops-model` names. A law that does not suit it gives a warning."""
        from jaxlaws import compute

        if self.flops_model == "2n":
            return compute.dense_forward_flops
        if self.source.counts == "all parameters":
            show_notice(
                f"N of {self.source.name} includes the embeddings; F(N) of the transformer takes N "
                "without them, and adds the output layer itself"
            )
        return compute.transformer_forward_flops


_COMMON = (
    law_option,
    click.option(
        "--flops-model",
        type=click.Choice(["2n", "transformer"]),
        default="2n",
        show_default=True,
        help="Forward FLOPs per token of N parameters: 2N, or F(N) of Busbridge et al. with "
        "attention and output layer.",
    ),
    output_option(
        {**TABLES, **PICTURES},
        only_these=True,
        folders=True,
        help="File to write: a table .csv or .parquet, or a picture .svg, .png or .pdf where "
        "there is one. A folder, as plans/, is a Parquet data set for large sweeps; the command "
        "continues one that is not complete. Default: no file.",
    ),
    json_option,
    draws_option,
    block_size_option,
    distributed_option,
)


def common(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the options of every verb of `plan`. The verb receives them as one `PlanOptions`."""

    @functools.wraps(verb)
    def with_options(
        law_name: str,
        flops_model: Literal["2n", "transformer"],
        output: str | None,
        as_json: bool,
        with_draws: bool,
        block_size: int,
        distributed: bool,
        **others: object,
    ) -> None:
        given = PlanOptions(
            law_name=law_name,
            flops_model=flops_model,
            output=output,
            as_json=as_json,
            with_draws=with_draws,
            block_size=block_size,
            distributed=distributed,
        )
        verb(given, **others)

    decorated: Callable[..., None] = with_options
    for option in reversed(_COMMON):
        decorated = option(decorated)
    return decorated


# The parameters of the following options are named as the inputs of the planning functions.
flops = click.option(
    "--flops",
    type=LONG_SWEEP,
    required=True,
    help="The whole budget in FLOPs, or low:high:count for a sweep.",
)
target_loss = click.option(
    "--target-loss",
    type=SWEEP,
    help="Loss to reach at the lowest cost, in the unit of the law, or low:high:count.",
)
inference_tokens = click.option(
    "--inference-tokens",
    "num_inference_tokens",
    type=QUANTITY_OR_ZERO,
    default="0",
    show_default=True,
    help="Tokens that each model serves, one number for all models; the budget pays for them.",
)
students = click.option(
    "--num-students",
    "num_students",
    type=click.IntRange(1, 10**15),
    default=1,
    show_default=True,
    help="How many students of the size --student to train, from one teacher, with one budget.",
)
teacher = click.option(
    "--teacher",
    "num_teacher_params",
    type=QUANTITY,
    help="Parameters of an existing teacher. Default: the budget trains the teacher.",
)
teacher_loss = click.option(
    "--teacher-loss",
    type=QUANTITY,
    help="Validation loss of the existing teacher, in the unit of the law.",
)
scenario = click.option(
    "--scenario",
    type=click.Choice(list(SCENARIOS)),
    default="full",
    show_default=True,
    help="What of the teacher the budget pays for; of one that exists (--teacher) only the logits. "
    + " ".join(f"{name}: {sentence}" for name, (_, sentence) in SCENARIOS.items()),
)
prices = click.option(
    "--price",
    "prices",
    type=PRICE,
    multiple=True,
    metavar="WHAT=PRICE",
    help="Price of a FLOP of training, serving or logits, or of a token of data, such as "
    "token=1e-6; or hardware for a FLOP, in dollars an hour, peak FLOPs a second and utilisation, "
    "such as training=2.5:1e15:0.45. Budgets and costs are then in the unit of the prices. "
    "Repeatable. Default: costs are FLOPs, data cost nothing, and serving and logits have the "
    "price of training.",
)
within = click.option(
    "--within",
    type=QUANTITY,
    metavar="LOSS",
    help="Also compute the near-optimal ranges: the sizes and tokens with which the best plan "
    "loses at most this loss, in the unit of the law, such as 0.01. With a sweep of --flops, "
    "-o FILE.svg draws the first range. Default: no ranges.",
)


def with_costs(
    settings: Mapping[str, Tree], prices: tuple[tuple[str, float], ...]
) -> dict[str, Tree]:
    """The settings of a planning function, with its `cost` where `--price` is given.

    Raises:
        UsageError: a price is given twice.
    """
    if not prices:
        return dict(settings)
    from jaxlaws.planning import Costs

    named = dict(prices)
    if len(named) < len(prices):
        raise click.UsageError("--price: give each price once")
    training = named.get("training", 1.0)
    alike = {"training": training, "serving": training, "logits": training}
    return {**settings, "cost": Costs(**alike | named)}


def has_teacher(inputs: Mapping[str, Array | None]) -> bool:
    """Whether the options describe an existing teacher.

    Raises:
        UsageError: one of the two options is missing.
    """
    given = {
        "--teacher": inputs["num_teacher_params"] is not None,
        "--teacher-loss": inputs["teacher_loss"] is not None,
    }
    if any(given.values()) and not all(given.values()):
        missing = next(option for option, is_given in given.items() if not is_given)
        raise click.UsageError(
            "an existing teacher needs its size, --teacher, and its loss, --teacher-loss: "
            f"{missing} is missing"
        )
    return all(given.values())


def in_order(inputs: Mapping[str, Array | None]) -> dict[str, Array]:
    """The inputs that are given. The first is the budget or the loss."""
    order = sorted(inputs, key=lambda name: name not in ("flops", "dollars", "target_loss"))
    return {name: inputs[name] for name in order if inputs[name] is not None}


def crossed(inputs: Mapping[str, Array | None]) -> dict[str, Array]:
    """All combinations of the sweeps among the inputs, as arrays of one length.

    Numbers stay numbers, and None is left out. The first axis is the budget or the loss.

    Raises:
        UsageError: there are too many combinations.
    """
    import numpy as np

    given = in_order(inputs)
    sweeps = {name: value for name, value in given.items() if np.ndim(value)}
    count = math.prod(len(values) for values in sweeps.values())
    if count > MOST_SWEPT:
        raise click.UsageError(
            f"the sweeps have {count:,} combinations, more than {MOST_SWEPT:,}: use fewer "
            "values, or write a data set of plans to a folder, as -o plans/"
        )
    grid = np.meshgrid(*sweeps.values(), indexing="ij")
    return given | {name: axis.ravel() for name, axis in zip(sweeps, grid, strict=True)}
