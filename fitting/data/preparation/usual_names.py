"""The usual names of columns, and which column of a table may hold an input.

A name is compared without its unit, capitals and separators, and without the prefixes that exports
of W&B, TensorBoard and MLflow add: `config.n_params`, `eval/loss`, `summary.val_loss`.
"""

import re
from collections.abc import Collection, Mapping, Sequence

from fitting.data.cell_values import has_numbers, is_plausible
from fitting.data.preparation.header_units import header_unit

# For each input the usual names of its column, in groups; a later group counts only where the table
# has no name of an earlier one.
_SIZE = "params n_params nparams num_parameters n_parameters parameters param_count parameter_count"
_TOKENS = (
    "tokens n_tokens ntokens training_tokens train_tokens num_training_tokens num_train_tokens "
    "tokens_seen tokens_trained token_count total_tokens total_train_tokens num_tokens_seen "
    "train_tokens_seen training_tokens_seen total_tokens_seen tokens_processed "
    "train_tokens_processed consumed_tokens train_consumed_tokens"
)
_VALIDATION = (
    "val_loss validation_loss valid_loss eval_loss test_loss dev_loss final_loss final_val_loss "
    "final_eval_loss final_validation_loss loss_val loss_eval held_out_loss heldout_loss"
)
NAMES: Mapping[str, Sequence[str]] = {
    "num_params": (
        "num_params",
        _SIZE + " total_params num_total_params model_params num_model_params N",
        "non_embedding_params n_params_non_embedding num_non_embedding_params params_no_embed",
        "model_size size n model_parameters",
    ),
    "num_tokens": (
        "num_tokens",
        _TOKENS + " D",
        "dataset_tokens data_tokens dataset_size training_set_tokens",
        "d data",
    ),
    "loss": (
        "loss",
        _VALIDATION,
        "cross_entropy ce_loss lm_loss nll val eval L",
        "train_loss training_loss loss_train smoothed_loss student_loss",
        "value",
    ),
    "flops": (
        "flops",
        "total_flops train_flops training_flops num_flops n_flops flop total_flop training_flop",
        "compute compute_budget flops_budget flop_budget budget total_compute training_compute C",
    ),
    "num_student_params": ("num_student_params", "student_params n_student student_size N_S"),
    "num_student_tokens": ("num_student_tokens", "student_tokens distillation_tokens D_S"),
    "teacher_loss": ("teacher_loss", "teacher_val_loss teacher_eval_loss L_T"),
    "num_unique_tokens": ("num_unique_tokens", "unique_tokens n_unique_tokens U U_D"),
}
STEPS = (
    "steps num_steps n_steps total_steps train_steps training_steps iterations num_iterations",
)
BATCH_TOKENS = (
    "batch_tokens tokens_per_step tokens_per_batch batch_size_tokens batch_size_in_tokens "
    "global_batch_tokens global_batch_size_tokens tokens_per_iteration",
)
BATCH_SIZE = ("batch_size global_batch_size global_bs train_batch_size bs",)
SEQUENCE = ("seq_len sequence_length context_length seq_length context block_size max_seq_len",)
PERPLEXITY = ("perplexity ppl", "val_perplexity val_ppl eval_perplexity eval_ppl test_ppl")

_PREFIXES = {"config", "summary", "_summary", "args", "hparams", "metrics", "model", "run"}


def normal_name(title: str) -> str:
    """A title in the form of the names above.

    >>> [normal_name(title) for title in ("Params (M)", "config.nParams", "eval/loss", "N", "L_T")]
    ['params', 'n_params', 'eval_loss', 'N', 'L_T']
    """
    base, _ = header_unit(title)
    parts = re.split(r"[./]", base)
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
        found = [title for title in titles if normal_name(title) in names]
        if found:
            return found
    return []


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
    numeric = [title for title in found if has_numbers(columns[title])]
    distinct = {tuple(map(str, columns[title])): title for title in reversed(numeric)}
    return sorted(distinct.values(), key=numeric.index)
