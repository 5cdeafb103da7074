"""Random command lines: every verb, with values that are right, wrong and strange."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

_QUANTITIES = (
    "1e21", "1B", "300M", "20T", "1e17", "1e28", "1", "0", "-1", "nan", "inf", "1e400", "1e-300",
    "", "x", "1e19:1e24:5", "1e19:1e24:1", "1e24:1e19:3", "1:2", "1e19:1e24:99999999999", "1,2",
    "1B,3B", "1B,x", "0.5", "2.2", "1.7", "9" * 400, "１B", "1e3", "1e18:1e18:2", " 1e20 ", "1e16",
)  # fmt: skip
_EXPRESSIONS = (
    "loss < 2.5", "loss <", "loss = 2", "num_params > 1e8 and num_tokens > 1B", "nope > 1",
    "__import__('os')", "loss < 'a'", "state == 'finished'", "(" * 100 + "loss", "1",
    "loss ** 9999", "loss < 1e999", "not loss", "", "loss / 0 > 1", "-loss < 0",
    "9**9**9**9", "loss if 1 else 2",
)  # fmt: skip
_PAIRS = (
    "E=1.7", "E=nan", "E=1e999", "E", "=1", "alpha=0.3", "supervised=besiroglu2024",
    "supervised=gone.json", "E=0.1:0.6", "E=:2", "E=2:1", "A=400*/2", "E=1.7±0.1", "E=1.7+-nan",
    "beta=alpha", "E=E", "w[0]=1", "E=1,2,3", "loss=val_loss", "num_params=N", "num_tokens=B",
    "num_params=M", "loss=loss", "num_params=num_params", "x=y",
)  # fmt: skip
_LAWS = (
    "besiroglu2024", "busbridge2025_consistent", "muennighoff2023", "busbridge2025_refit",
    "kaplan2020", "chinchilla", "supervised", "gone.json", "", ".", "nope", "li2025_step_law",
)  # fmt: skip
_LAW_CLASSES = (
    "chinchilla", "supervised", "kaplan", "distillation_limit", "compute_floor", "chinchila", "",
    "farseer", "x.py:Law", "data_constrained",
)  # fmt: skip
_OUTPUTS = (
    "out.csv", "out.parquet", "out.svg", "out.png", "out.json", "out.html", "no/out.csv", "",
    "TABLE", "FIT", "LAW", "CATALOGUE", "./fit.json", "out.pdf",
)  # fmt: skip
_CHECKS = ("small_counts", "rising", "loss", "flops", "repeats", "x", "")

_FIT = {
    "--law": _LAW_CLASSES, "--column": _PAIRS, "--unit": _PAIRS, "--freeze": _PAIRS,
    "--tie": _PAIRS, "--bound": _PAIRS, "--prior": _PAIRS, "--where": _EXPRESSIONS,
    "--allow": _CHECKS, "--outcome": ("nats", "bits", "perplexity", "x"),
    "--checkpoints": ("last", "all"), "--delta": ("1e-3", "0", "nan", "1e300"),
    "--objective": ("huber:1e-3", "squares", "student-t:0.01:4", "log-squares", "x", "huber:0"),
    "--weights": ("loss", "x", "num_params"), "--seed": ("0", "-1", "3"),
}  # fmt: skip
_PLAN = {"--law": _LAWS, "--flops-model": ("2n", "transformer", "x"), "-o": _OUTPUTS}
_TEACHER = {
    "--scenario": ("free", "inference", "pretraining", "full", "x"),
    "--num-students": ("1", "1000", "0"),
    "--teacher": _QUANTITIES, "--teacher-loss": _QUANTITIES,
}  # fmt: skip
_HARDWARE = ("2:1e15:0.4", "2:1e15", "0:0:0", "nan:1:1", "2:1e15:2", "x")
# The options of each verb, with their values; an option that the verb needs comes first.
VERBS: Mapping[tuple[str, ...], Mapping[str, Sequence[str]]] = {
    ("fit", "TABLE"): _FIT | {
        "--bootstrap": ("0", "4", "-1"), "--resample": ("pairs", "wild", "residuals", "x"),
        "--interval": ("percentile", "bca", "profile"), "--cluster": ("loss", "run", "x"),
        "--roll-out": ("flops", "num_params", "x"), "-o": _OUTPUTS, "--level": ("0.9", "nan", "2"),
    },
    ("validate", "TABLE"): {
        "--hold-out": _EXPRESSIONS, "--folds": ("2", "1", "x"),
        "--group": ("loss", "x", "num_params"), "--roll-out": ("flops", "num_tokens"),
        "--windows": ("1", "0", "1000"), "--figure": _OUTPUTS,
    } | _FIT,
    ("report", "FIT"): {"--table": ("TABLE", "gone.csv"), "-o": _OUTPUTS, "--level": ("0.5", "x")},
    ("plan", "train"): {
        "--flops": _QUANTITIES, "--params": _QUANTITIES, "--tokens": _QUANTITIES,
        "--target-loss": _QUANTITIES, "--size-fraction": _QUANTITIES, "--within": _QUANTITIES,
        "--unique-tokens": _QUANTITIES, "--inference-tokens": _QUANTITIES, "--shapes": (),
    } | _PLAN,
    ("plan", "distill"): {
        "--flops": _QUANTITIES, "--student": _QUANTITIES, "--max-student": _QUANTITIES,
        "--teachers": ("CATALOGUE", "TABLE", "gone.csv"), "--inference-tokens": _QUANTITIES,
        "--within": _QUANTITIES, "--unique-tokens": _QUANTITIES, "--column": _PAIRS,
    } | _TEACHER | _PLAN,
    ("plan", "serve"): {
        "--inference-tokens": _QUANTITIES, "--target-loss": _QUANTITIES, "--flops": _QUANTITIES,
        "--dollars": _QUANTITIES, "--train-on": _HARDWARE, "--serve-on": _HARDWARE,
    } | _PLAN,
    ("plan", "compare"): {
        "--flops": _QUANTITIES, "--student": _QUANTITIES, "--inference-tokens": _QUANTITIES,
    } | _TEACHER | _PLAN,
    ("plan", "crossover"): {
        "--student": _QUANTITIES, "--inference-tokens": _QUANTITIES,
        "--scenario": ("free", "full"), "--num-students": ("1", "100"),
    } | _PLAN,
    ("plan", "frontier"): {
        "--flops": _QUANTITIES, "--params": ("1e8:1e10:5", *_QUANTITIES), "--scenario": ("free",),
    } | _PLAN,
    ("predict",): {
        "--params": _QUANTITIES, "--tokens": _QUANTITIES, "--student": _QUANTITIES,
        "--teacher-loss": _QUANTITIES, "--input": ("num_unique_tokens=1e9", "x=1", "x", "width=-1"),
        "--law": _LAWS,
    },
    ("presets",): {"": _LAWS},
    ("demo",): {"--student": _QUANTITIES[7:12], "--flops": ("1e3", "0"), "--bootstrap": ("1", "x")},
}  # fmt: skip
_GOOD = 12  # the first values of a list are right
# Commands that read a file and do little else, so that many files are tried.
_READERS = (
    ("validate", "TABLE", "--hold-out", "loss < -1"),
    ("validate", "TABLE", "--hold-out", "loss < -1", "--law", "chinchilla"),
    ("predict", "--law", "LAW", "--params", "1B", "--tokens", "20B"),
    ("predict", "--law", "FIT", "--params", "1B", "--tokens", "20B"),
    ("predict", "--law", "LAW", "--student", "1B", "--tokens", "20B", "--teacher-loss", "2.2"),
    ("plan", "train", "--law", "FIT", "--flops", "1e21"),
    ("plan", "train", "--law", "LAW", "--flops", "1e21"),
    ("plan", "distill", "--law", "busbridge2025_consistent", "--student", "1B", "--flops", "1e21",
     "--teachers", "CATALOGUE"),
)  # fmt: skip
_READING = ("--column", "--unit", "--where", "--allow", "--outcome", "--checkpoints")


@st.composite
def commands(draw: st.DrawFn) -> list[str]:
    """The arguments of a command; TABLE, FIT, LAW and CATALOGUE stand for files."""
    if draw(st.integers(0, 2)):
        reader = [*draw(st.sampled_from(_READERS))]
        if reader[0] == "validate":
            for name in draw(st.lists(st.sampled_from(_READING), max_size=2)):
                reader += [name, draw(st.sampled_from(_FIT[name]))]
        return reader
    verb = draw(st.sampled_from(sorted(VERBS)))
    options = VERBS[verb]
    arguments = [*verb]
    if verb[0] in ("plan", "predict") and draw(st.integers(0, 2)) == 0:
        arguments += ["--law", draw(st.sampled_from(["LAW", "FIT"]))]
        options = {name: values for name, values in options.items() if name != "--law"}
    elif verb[0] == "plan" and draw(st.integers(0, 19)):
        arguments += ["--law", draw(st.sampled_from(_LAWS[:3]))]  # without draws, which take long
        options = {name: values for name, values in options.items() if name != "--law"}
    names = [next(iter(options))] if draw(st.integers(0, 9)) else []
    more = st.lists(st.sampled_from(sorted(options)), max_size=4, unique=True)
    for name in dict.fromkeys([*names, *draw(more)]):
        values = options[name]
        values = values if draw(st.integers(0, 2)) == 0 else values[:_GOOD]
        arguments += [name] if name else []
        arguments += [draw(st.sampled_from(values))] if values else []
    if draw(st.integers(0, 3)) == 0 and verb[0] not in ("report", "demo"):
        arguments.append("--json")
    if draw(st.integers(0, 49)) == 0:
        arguments.insert(draw(st.integers(0, len(arguments))), draw(st.text(max_size=8)))
    few = {"fit": ("--starts", "8"), "validate": ("--starts", "4")}
    return [*arguments, *few.get(verb[0], ())]
