"""FLOPs: what a forward pass, a training run, serving and a distillation cost.

All counts are floating-point operations per token or in total; a multiply-add counts as two. A
backward pass costs twice a forward pass, so training costs three forward passes a token.
`forward_flops` is any function of a size N that gives the forward FLOPs per token; planners
compile once for a module-level function or a callable tree, but anew for each fresh lambda.

Source, where no other is named: Busbridge et al. 2025, arXiv 2502.08606, Eq. 9 and App. H.
"""

from collections.abc import Callable
from typing import Any

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

ForwardFlops = Callable[[Any], Any]


def dense_forward_flops(num_params: Any) -> Any:
    """`2 N`: every parameter multiplies and adds once a token; attention's own cost left out.

    >>> dense_forward_flops(1e9)
    2000000000.0
    """
    return 2.0 * as_float("num_params", num_params)


@pytree
class TransformerForwardFlops:
    """`2 N (1 + s1 context / N**(1/3) + s2 vocab / N**(2/3))`, forward FLOPs per token (Eq. 69).

    The second term is attention over the context, causal, counted at half; the third the output
    layer. With `omega = 2 + 2/kv_group + mlp_matrices mlp_ratio` weights per squared width and
    layer, `s1 = (aspect_ratio omega**2)**(-1/3)` and `s2 = (aspect_ratio / omega)**(1/3)`.

    Attributes:
        context: tokens of context.
        vocab: size of the vocabulary.
        aspect_ratio: width over number of layers.
        kv_group: query heads that share one key and value head.
        mlp_matrices: 3 for a gated MLP, else 2.
        mlp_ratio: width of the MLP over width of the model.
    """

    context: Any = 4096.0
    vocab: Any = 32768.0
    aspect_ratio: Any = 128.0
    kv_group: Any = 1.0
    mlp_matrices: Any = 3.0
    mlp_ratio: Any = 8 / 3

    def __call__(self, num_params: Any) -> Any:
        """Forward FLOPs per token of a model with N non-embedding parameters, of any shape."""
        num_params = as_float("num_params", num_params)
        omega = 2 + 2 / self.kv_group + self.mlp_matrices * self.mlp_ratio
        s1 = (self.aspect_ratio * omega**2) ** (-1 / 3)
        s2 = (self.aspect_ratio / omega) ** (1 / 3)
        root = num_params ** (1 / 3)
        return 2.0 * num_params * (1 + s1 * self.context / root + s2 * self.vocab / root**2)


def transformer_forward_flops(
    num_params: Any,
    *,
    context: Any = 4096.0,
    vocab: Any = 32768.0,
    aspect_ratio: Any = 128.0,
    kv_group: Any = 1.0,
    mlp_matrices: Any = 3.0,
    mlp_ratio: Any = 8 / 3,
) -> Any:
    """The paper's F(N), forward FLOPs per token, by default with its own shape of model.

    `TransformerForwardFlops` explains the settings and is what a planner takes for others.

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
    *, num_params: Any, num_tokens: Any, forward_flops: ForwardFlops = dense_forward_flops
) -> Any:
    """`F(N) D`: serving D tokens, or computing a teacher's logits on them.

    >>> inference_flops(num_params=1e9, num_tokens=2e10)
    4e+19
    """
    return forward_flops(num_params) * as_float("num_tokens", num_tokens)


def training_flops(
    *, num_params: Any, num_tokens: Any, forward_flops: ForwardFlops = dense_forward_flops
) -> Any:
    """`3 F(N) D`: supervised training; with 2N a token the familiar 6 N D.

    >>> training_flops(num_params=1e9, num_tokens=2e10)
    1.2e+20
    """
    return 3.0 * inference_flops(
        num_params=num_params, num_tokens=num_tokens, forward_flops=forward_flops
    )


def distillation_flops(
    *,
    num_student_params: Any,
    num_student_tokens: Any,
    num_teacher_params: Any,
    num_teacher_tokens: Any,
    logits: Any,
    pretraining: Any,
    num_students: Any = 1.0,
    forward_flops: ForwardFlops = dense_forward_flops,
) -> Any:
    """`k (3 F(N_S) + logits F(N_T)) D_S + pretraining 3 F(N_T) D_T`, the whole cost (Eq. 9).

    Args:
        num_student_params: size N_S of each student.
        num_student_tokens: tokens D_S that each is distilled on.
        num_teacher_params: size N_T of the teacher that they share.
        num_teacher_tokens: tokens D_T that it is trained on.
        logits: share of the teacher's inference that is charged, 0 to 1.
        pretraining: share of the teacher's training that is charged, 0 to 1.
        num_students: number k of students.
        forward_flops: forward FLOPs per token of a size.

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
