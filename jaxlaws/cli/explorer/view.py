"""What a view is and what it is given, and the controls that several views share."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from jaxlaws import compute
from jaxlaws.cli.explorer.charts import Answer
from jaxlaws.cli.explorer.controls import Choice, Control, Option, Slider
from jaxlaws.cli.explorer.laws import Laws, ShownLaw
from jaxlaws.cli.options.plan_options import SCENARIOS
from jaxlaws.foundations.annotations import Json

_T = TypeVar("_T")

FLOPS_MODEL = Choice(
    name="flops_model",
    label="Cost of a token",
    help="Forward FLOPs per token of a model with N parameters.",
    default="2n",
    options=[
        Option(value="2n", label="2 N", help="One multiply-add per parameter."),
        Option(
            value="transformer",
            label="transformer",
            help="With attention and the output layer, for a context of 4,096 tokens.",
        ),
    ],
)
NUM_DRAWS = 200  # of a law; more take too long for a slider

STUDENT = Slider(
    name="num_student_params",
    label="Student size",
    help="Parameters of the student, which is the model that is served.",
    default=1e9,
    low=1e7,
    high=1e11,
    unit="parameters",
)
BUDGET = Slider(
    name="flops",
    label="Budget",
    help="All compute that may be spent, in FLOPs.",
    default=1e22,
    low=1e18,
    high=1e27,
    unit="FLOPs",
)
STUDENT_TOKENS = Slider(
    name="num_student_tokens",
    label="Student tokens",
    help="Tokens that the student is distilled on.",
    default=1e11,
    low=1e9,
    high=1e14,
    unit="tokens",
)
SERVED = Slider(
    name="num_inference_tokens",
    label="Tokens served",
    help="Tokens that the model serves after training; the budget pays for them.",
    default=1e11,
    low=1e9,
    high=1e16,
    unit="tokens",
)
_LABELS = {
    "free": "teacher free",
    "inference": "pay for the logits",
    "pretraining": "pay for the teacher's training",
    "full": "pay for both",
}
SCENARIO = Choice(
    name="scenario",
    label="Scenario",
    help="Which costs of the teacher the budget pays for.",
    default="full",  # as everywhere in this package
    options=[
        Option(value=name, label=_LABELS[name], help=sentence)
        for name, (_, sentence) in SCENARIOS.items()
    ],
)
_MODELS = {"2n": "dense_forward_flops", "transformer": "transformer_forward_flops"}


class Given:
    """The state of a view, the law that it names, and the time spent in compiled programs.

    Attributes:
        state: the values of all controls.
        law: the law that the control `law` names.
        compiled: seconds.
    """

    def __init__(self, state: Mapping[str, Json], laws: Laws) -> None:
        self.state, self.laws, self.compiled = state, laws, 0.0

    def __getitem__(self, name: str) -> Json:
        return self.state[name]

    @property
    def law(self) -> ShownLaw:
        """The law of the control `law`."""
        return self.laws[self.state["law"]]

    @property
    def model_name(self) -> str:
        """The name in `jaxlaws.compute` of the function that the control `flops_model` names."""
        return _MODELS[self.state["flops_model"]]

    @property
    def forward_flops(self) -> compute.ForwardFlops:
        """The function that the control `flops_model` names."""
        return getattr(compute, self.model_name)

    def timed(self, call: Callable[[], _T]) -> _T:
        """Call a planning or law function and add its time to `compiled`."""
        begin = time.perf_counter()
        try:
            return call()
        finally:
            self.compiled += time.perf_counter() - begin


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """One view of the page.

    Attributes:
        id: its name in the URL.
        title: a few words.
        question: what the view answers, in one sentence.
        controls: the controls, which depend on the laws at hand.
        answer: the answer for a state.
    """

    id: str
    title: str
    question: str
    controls: Callable[[Laws], Sequence[Control]]
    answer: Callable[[Given], Answer]
