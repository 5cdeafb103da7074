"""The usual names of columns, and which column of a table may hold an input.

A name is compared without its unit, capitals and separators, and without the prefixes that exports
of W&B, TensorBoard and MLflow add: `config.n_params`, `eval/loss`, `summary.val_loss`.
"""

import functools
import re
from collections.abc import Collection, Mapping, Sequence

from fitting.data.cell_values import has_numbers, is_plausible
from fitting.data.preparation.header_units import header_unit
from jaxlaws.inputs import OUTCOME


def _phrase(core: str, words: str) -> str:
    """A pattern of names: one of some words, with any of other words before and after it."""
    either, core = words.replace(" ", "|"), core.replace(" ", "|")
    return rf"(?:(?:{either})_)*(?:{core})(?:_(?:{either}))*"


# For each input patterns of the usual names of its column, in groups; a later group counts only
# where the table has no name of an earlier one.
_COUNTED = "n num number of total count model train trainable active"
_SIZE = "params parameters nparams param_count parameter_count"
_NON_EMBEDDING = "(?:non?|without|excl|excluding|wo)_?(?:emb|embed|embedding|embeddings)"
_SEEN = (
    "n num number of total train training trained seen processed consumed cumulative input count d "
    "throughput"
)
_MEASURE = "loss nll ce xent cross_entropy crossentropy"
_ABOUT = f"{_MEASURE} final end at last lm mean avg average nats per token"
_HELD_OUT = "val valid validation eval evaluation test dev heldout held_out"
_A_LOSS = rf"(?=.*(?:{_MEASURE.replace(' ', '|')}))"
NAMES: Mapping[str, Sequence[str]] = {
    "num_params": (
        "num_params",
        _phrase(_SIZE, _COUNTED) + " N",
        _phrase(_SIZE, f"{_COUNTED} {_NON_EMBEDDING}") + f" (?:n|num)_{_NON_EMBEDDING}",
        "model_size size n",
    ),
    "num_tokens": (
        "num_tokens",
        _phrase("tokens ntokens token_count", _SEEN) + " D",
        _phrase("tokens", f"{_SEEN} dataset data size set") + " dataset_size",
        "d data",
    ),
    "loss": (
        "loss",
        f"{_A_LOSS}{_phrase(_HELD_OUT, f'{_HELD_OUT} {_ABOUT}')} "
        + _phrase("final_loss loss_final final_nll", _ABOUT),
        f"{_phrase('lm_loss nll loss ce_loss cross_entropy', _ABOUT)} val eval L",
        f"{_A_LOSS}{_phrase('train training', f'train training {_ABOUT}')} smoothed_loss "
        "student_loss",
        "value",
    ),
    "flops": (
        "flops",
        _phrase("flops flop", "n num total train training") + " total_floating_point_operations",
        "compute compute_budget flops_budget flop_budget budget total_compute training_compute "
        "train_compute isoflop isoflop_budget target_flops C",
    ),
    "num_student_params": ("num_student_params", "student_params n_student student_size N_S"),
    "num_student_tokens": ("num_student_tokens", "student_tokens distillation_tokens D_S"),
    "teacher_loss": ("teacher_loss", "teacher_val_loss teacher_eval_loss L_T"),
    "num_unique_tokens": ("num_unique_tokens", "unique_tokens n_unique_tokens U U_D"),
}
STEPS = (
    _phrase("steps iterations iters", "n num number of total train training optimizer"),
    "(?:train_|trainer_)?global_steps?",
    "max_steps iter iteration",  # as configured: a run may have ended before
    "step",
)
BATCH_TOKENS = (
    "batch_tokens tokens_per_step tokens_per_batch batch_size_tokens batch_size_in_tokens "
    "global_batch_tokens global_batch_size_tokens global_batch_size_in_tokens tokens_per_iteration",
)
BATCH_SIZE = (
    "batch_size global_batch_size global_bs train_batch_size global_train_batch_size "
    "total_train_batch_size effective_batch_size total_batch_size bs",
)
MICRO_BATCH = (  # of one device, before accumulation
    "micro_batch(?:_size)? micro_bs mbs device_batch_size per_device_(?:train_)?batch_size "
    "per_gpu_(?:train_)?batch_size batch_size_per_(?:gpu|device) device_train_microbatch_size "
    "train_micro_batch_size_per_gpu",
)
ACCUMULATION = (
    "(?:n_|num_)?(?:gradient|grad)_accum(?:ulation)?(?:_steps)? accumulation_steps "
    "accumulate_grad_batches gas",
)
DEVICES = (
    "dp dp_size (?:data_parallel|dp)_(?:world_)?size (?:num_|n_)?replicas",
    "(?:num_|n_|total_)?(?:gpus|devices|accelerators|chips) ngpus?|world_size",
)
MODEL_PARALLEL = (  # several devices hold one model
    "(?:tp|pp|tensor_parallel|pipeline_parallel|tensor_model_parallel|pipeline_model_parallel|"
    "model_parallel)(?:_size)?",
)
EPOCHS = ("(?:(?:num|n|train|total)_)*epochs?",)
TOKENS_OF_AN_EPOCH = (
    "tokens_per_epoch epoch_tokens (?:num_)?tokens_in_epoch",
    "(?:(?:num|n)_)?(?:unique|dataset)_tokens tokens_(?:unique|in_dataset|dataset) "
    "dataset_size(?:_in)?_tokens",
    "dataset_size",
)
SEQUENCE = (
    "seq_len seqlen sequence_length seq_length sequence_len context_length context_len context "
    "block_size n_ctx max_seq_len max_seq_length max_sequence_length train_seq_len",
)
SAMPLES = (
    _phrase("samples sequences", "n num number of total train training consumed seen processed"),
)
TOKENS_PER_PARAM = (
    "tokens?_per_param(?:eter)?s? tokens?_params?_ratio tokens?_to_params?(?:_ratio)? tpp",
)
PERPLEXITY = (
    "perplexity ppl",
    _phrase("perplexity ppl", f"{_HELD_OUT} final last end"),
)
# How a missing input is computed, for the message where the table lacks what that needs.
DERIVED = {
    "num_tokens": "tokens are computed from columns num_params and flops, steps and batch_tokens, "
    "steps, batch_size and seq_len, samples and seq_len, epochs and tokens_per_epoch, or steps, "
    "micro_batch_size, gradient_accumulation_steps, num_gpus and seq_len",
}
# What the name of a column of an input or the outcome has, whatever else it has.
_HINTS = {
    "loss": rf"{_MEASURE.replace(' ', '|')}|entropy|perplexity|ppl|bpb|bpc|nats|bits",
    "num_tokens": "tokens?",
    "num_params": "params?|parameters?|size",
}

_PREFIXES = {
    "args", "cfg", "config", "history", "hparams", "hyperparameters", "metrics", "model", "params",
    "run", "summary", "_summary", "tags", "trainer",
}  # fmt: skip


@functools.lru_cache(maxsize=4096)
def normal_name(title: str) -> str:
    """A title in the form of the names above.

    >>> [normal_name(title) for title in ("Params (M)", "config.nParams", "eval/loss", "N", "L_T")]
    ['params', 'n_params', 'eval_loss', 'N', 'L_T']
    """
    base, _ = header_unit(title)
    parts = re.split(r"[./]", base)
    if len(parts) > 2 and parts[0] == "data" and parts[1] in _PREFIXES:  # of runs of MLflow
        parts.pop(0)
    while len(parts) > 1 and parts[0].lower() in _PREFIXES:
        parts.pop(0)
    name = "_".join(parts)
    if re.fullmatch(r"[A-Z](_[A-Z])?", name):
        return name
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def named(groups: Sequence[str], titles: Collection[str]) -> list[str]:
    """The titles that have a name of the first group of names that the table has."""
    for group in groups:
        names = group.split()
        found = [t for t in titles if any(re.fullmatch(name, normal_name(t)) for name in names)]
        if found:
            return found
    return []


def resembling(name: str, titles: Collection[str]) -> list[str]:
    """The titles whose name has a word of an input or the outcome.

    >>> resembling("loss", ["best_val_loss", "loss_scale", "lr"])
    ['best_val_loss', 'loss_scale']
    """
    word = rf"(?:.*_)?(?:{_HINTS.get(name, name)})(?:_.*)?"
    return [title for title in titles if re.fullmatch(word, normal_name(title).lower())]


def our_names(given: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """What a user gives for inputs, by our names where the user writes usual ones.

    >>> our_names({"tokens": "seen", "loss": "final"}, ["num_tokens", "loss"])
    {'num_tokens': 'seen', 'loss': 'final'}
    """

    def ours(name: str) -> str:
        usual = [n for n in known if name not in known and named(NAMES.get(n, ())[:2], [name])]
        return usual[0] if len(usual) == 1 else name

    return {ours(name): value for name, value in given.items()}


def proposals(
    name: str, columns: Mapping[str, Sequence[object]], taken: Collection[str]
) -> list[str]:
    """The columns that may hold an input or the outcome, by their names and their values.

    Args:
        name: of the input, or `loss`.
        columns: the cells by title.
        taken: titles that hold something else.
    """
    free = [title for title in columns if title not in taken]
    groups = NAMES.get(name, (name,))
    found = named(groups[:2], free)
    if not found:  # names that may mean something else, too
        found = [
            title
            for title in named(groups[2:], free)
            if is_plausible(name, columns[title], header_unit(title)[1])
        ]
        if found and name == OUTCOME:  # a training loss beside `c4_val_loss` needs a choice
            held_out = rf".*(?:^|_)(?:{_HELD_OUT.replace(' ', '|')})(?:_.*)?"
            found += [
                title
                for title in resembling(name, free)
                if re.fullmatch(held_out, normal_name(title)) and is_plausible(name, columns[title])
            ]
            found = list(dict.fromkeys(found))
    numeric = [title for title in found if has_numbers(columns[title])]
    distinct = {tuple(map(str, columns[title])): title for title in reversed(numeric)}
    return sorted(distinct.values(), key=numeric.index)
