"""Controls that several views share."""

from jaxlaws.cli.explorer.controls import Choice, Option, Slider
from jaxlaws.cli.options.plan_options import SCENARIOS

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
    default=1e12,
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
    default="inference",
    options=[
        Option(value=name, label=_LABELS[name], help=sentence)
        for name, (_, sentence) in SCENARIOS.items()
    ],
)
