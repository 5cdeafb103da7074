"""The cost, in FLOPs, of a forward pass, a training run, serving and a distillation.

All counts are floating-point operations, per token or in total. A multiply-add counts as two. A
backward pass costs twice a forward pass, so training costs three forward passes per token.

`forward_flops` is any function from a size N to the forward FLOPs per token. Planners compile once
for a module-level function or a callable tree. They compile again for every new lambda.

Source, unless another is named: Busbridge et al. 2025, arXiv 2502.08606, Eq. 9 and App. H.
"""

from collections.abc import Callable

from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.counting import (
    TransformerShape,
    approximate_forward_flops,
    busbridge_shapes,
    exact_forward_flops,
    hoffmann_forward_flops,
    kaplan_forward_flops,
    narayanan_forward_flops,
    shape_of_aspect,
)
from jaxlaws.inputs import as_float
from jaxlaws.pytree import pytree

__all__ = [
    "ForwardFlops",
    "TransformerForwardFlops",
    "TransformerShape",
    "approximate_forward_flops",
    "busbridge_shapes",
    "dense_forward_flops",
    "distillation_flops",
    "exact_forward_flops",
    "hoffmann_forward_flops",
    "inference_flops",
    "kaplan_forward_flops",
    "narayanan_forward_flops",
    "shape_of_aspect",
    "training_flops",
    "transformer_forward_flops",
]

ForwardFlops = Callable[[Array], Array]


def dense_forward_flops(num_params: Array) -> Array:
    """Return `2 N`: one multiply-add per parameter and token, without the cost of attention.

    Args:
        num_params: size N in parameters, of any shape.

    Returns:
        Forward FLOPs per token, of the same shape.

    >>> dense_forward_flops(1e9)
    2000000000.0
    """
    return 2.0 * as_float("num_params", num_params)


@pytree
class TransformerForwardFlops:
    """`2 N (1 + s1 context / N**(1/3) + s2 vocab / N**(2/3))`, forward FLOPs per token (Eq. 69).

    The second term is the cost of causal attention, counted at half. The third term is the cost of
    the output layer. Each layer has `omega = 2 + 2/kv_group + mlp_matrices mlp_ratio` weights per
    squared width. Then `s1 = (aspect_ratio omega**2)**(-1/3)` and
    `s2 = (aspect_ratio / omega)**(1/3)`.

    Attributes:
        context: length of the context in tokens.
        vocab: size of the vocabulary.
        aspect_ratio: width of the model over its number of layers.
        kv_group: number of query heads that share one key and value head.
        mlp_matrices: 3 for a gated MLP, 2 otherwise.
        mlp_ratio: width of the MLP over the width of the model.
    """

    context: Array = 4096.0
    vocab: Array = 32768.0
    aspect_ratio: Array = 128.0
    kv_group: Array = 1.0
    mlp_matrices: Array = 3.0
    mlp_ratio: Array = 8 / 3

    def __call__(self, num_params: Array) -> Array:
        """Return the forward FLOPs per token for N non-embedding parameters, of any shape."""
        num_params = as_float("num_params", num_params)
        omega = 2 + 2 / self.kv_group + self.mlp_matrices * self.mlp_ratio
        s1 = (self.aspect_ratio * omega**2) ** (-1 / 3)
        s2 = (self.aspect_ratio / omega) ** (1 / 3)
        root = num_params ** (1 / 3)
        return 2.0 * num_params * (1 + s1 * self.context / root + s2 * self.vocab / root**2)


def transformer_forward_flops(
    num_params: Array,
    *,
    context: Array = 4096.0,
    vocab: Array = 32768.0,
    aspect_ratio: Array = 128.0,
    kv_group: Array = 1.0,
    mlp_matrices: Array = 3.0,
    mlp_ratio: Array = 8 / 3,
) -> Array:
    """Return the paper's F(N), the forward FLOPs per token (Eq. 69).

    The defaults are the paper's model shape. A planner with another shape takes an instance of
    `TransformerForwardFlops`, whose docstring explains the arguments.

    >>> round(transformer_forward_flops(1e9))
    2454385317
    """
    return TransformerForwardFlops(
        context=context,
        vocab=vocab,
        aspect_ratio=aspect_ratio,
        kv_group=kv_group,
        mlp_matrices=mlp_matrices,
        mlp_ratio=mlp_ratio,
    )(num_params)


def inference_flops(
    *, num_params: Array, num_tokens: Array, forward_flops: ForwardFlops = dense_forward_flops
) -> Array:
    """Return `F(N) D`, the FLOPs to serve D tokens or to compute a teacher's logits on them.

    Args:
        num_params: size N in parameters, of any shape.
        num_tokens: tokens D, of a shape that broadcasts with `num_params`.
        forward_flops: forward FLOPs per token as a function of the size.

    >>> inference_flops(num_params=1e9, num_tokens=2e10)
    4e+19
    """
    return forward_flops(num_params) * as_float("num_tokens", num_tokens)


def training_flops(
    *, num_params: Array, num_tokens: Array, forward_flops: ForwardFlops = dense_forward_flops
) -> Array:
    """Return `3 F(N) D`, the FLOPs of supervised training. With F(N) = 2 N it is 6 N D.

    Args:
        num_params: size N in parameters, of any shape.
        num_tokens: training tokens D, of a shape that broadcasts with `num_params`.
        forward_flops: forward FLOPs per token as a function of the size.

    >>> training_flops(num_params=1e9, num_tokens=2e10)
    1.2e+20
    """
    return 3.0 * inference_flops(
        num_params=num_params, num_tokens=num_tokens, forward_flops=forward_flops
    )


def distillation_flops(
    *,
    num_student_params: Array,
    num_student_tokens: Array,
    num_teacher_params: Array,
    num_teacher_tokens: Array,
    logits: Array,
    pretraining: Array,
    num_students: Array = 1.0,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> Array:
    """Return `k (3 F(N_S) + logits F(N_T)) D_S + pretraining 3 F(N_T) D_T`, in FLOPs (Eq. 9).

    This is the whole cost of the distillation of k students. All arguments broadcast together.

    Args:
        num_student_params: size N_S of each student in parameters.
        num_student_tokens: tokens D_S that each student is distilled on.
        num_teacher_params: size N_T of the shared teacher in parameters.
        num_teacher_tokens: tokens D_T that the teacher is trained on.
        logits: share of the teacher's inference cost that is charged, 0 to 1.
        pretraining: share of the teacher's training cost that is charged, 0 to 1.
        num_students: number k of students.
        forward_flops: forward FLOPs per token as a function of the size.

    >>> sizes = dict(num_student_params=1e9, num_student_tokens=2e10)
    >>> teacher = dict(num_teacher_params=2e9, num_teacher_tokens=4e10)
    >>> distillation_flops(**sizes, **teacher, logits=1, pretraining=1)
    6.8e+20
    """
    student_tokens = as_float("num_student_tokens", num_student_tokens)
    teacher_tokens = as_float("num_teacher_tokens", num_teacher_tokens)
    student, teacher = forward_flops(num_student_params), forward_flops(num_teacher_params)
    students = num_students * (3.0 * student + logits * teacher) * student_tokens
    return students + pretraining * 3.0 * teacher * teacher_tokens
