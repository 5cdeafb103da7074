"""FLOPs: what a forward pass, a training run, serving and a distillation cost.

All counts are floating-point operations per token or in total; a multiply-add counts as two. A
backward pass costs twice a forward pass, so training costs three forward passes a token.
`forward_flops` is any function of a size N that gives the forward FLOPs per token; planners
compile once for a module-level function or a callable tree, but anew for each fresh lambda.

Source, where no other is named: Busbridge et al. 2025, arXiv 2502.08606, Eq. 9 and App. H.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from jaxlaws.inputs import as_float
from jaxlaws.pytree import pytree

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


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerShape:
    """The shape of a decoder-only transformer.

    Attributes:
        num_layers: number of layers.
        width: width d of the model.
        mlp_width: width of the MLP.
        vocab: size of the vocabulary; the output layer shares the embedding's weights.
        head_width: width of an attention head.
        kv_group: query heads that share one key and value head.
        mlp_matrices: 3 for a gated MLP, else 2.
    """

    num_layers: int
    width: int
    mlp_width: int
    vocab: int = 32768
    head_width: int = 128
    kv_group: int = 1
    mlp_matrices: int = 3

    @property
    def num_params(self) -> int:
        """Parameters without the embedding, gains of the norms (queries and keys too) included."""
        d = self.width
        attention = 2 * d * d + 2 * d * d // self.kv_group + 2 * self.head_width + d
        mlp = self.mlp_matrices * d * self.mlp_width + d
        return self.num_layers * (attention + mlp) + d

    @property
    def num_total_params(self) -> int:
        """Parameters with the embedding.

        >>> TransformerShape(num_layers=8, width=1024, mlp_width=2816).num_total_params
        136334336
        """
        return self.num_params + self.vocab * self.width

    @property
    def num_heads(self) -> float:
        """Attention heads."""
        return self.width / self.head_width


def _mlp_flops(shape: TransformerShape) -> float:
    return 2.0 * shape.mlp_matrices * shape.width * shape.mlp_width


def exact_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """Forward FLOPs per token, counted matrix by matrix with the softmax (App. H, "ours").

    Causal attention is counted at half: a token sees half the context on average.

    >>> shape = TransformerShape(num_layers=17, width=2176, mlp_width=5888)
    >>> f"{exact_forward_flops(shape):.4g}"
    '2.399e+09'
    """
    d = shape.width
    attention = (
        2 * (1 + 2 / shape.kv_group) * d**2  # queries, keys and values
        + context * d  # logits
        + 2.5 * shape.num_heads * context  # softmax
        + context * d  # values
        + 2 * d**2  # output projection
    )
    return 2 * d + shape.num_layers * (attention + _mlp_flops(shape)) + 2 * shape.vocab * d


def approximate_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """`2 N + 2 layers context width + 2 vocab width`, forward FLOPs per token (Eq. 72).

    >>> shape = TransformerShape(num_layers=17, width=2176, mlp_width=5888)
    >>> f"{approximate_forward_flops(shape):.4g}"
    '2.397e+09'
    """
    d = shape.width
    return 2.0 * shape.num_params + 2 * shape.num_layers * context * d + 2 * shape.vocab * d


def kaplan_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """Forward FLOPs per token as Kaplan et al. 2020 count (arXiv 2001.08361, Table 1).

    They leave embedding and output layer out of their `C = 6 N D`; here both are counted.

    >>> shape = TransformerShape(num_layers=12, width=768, mlp_width=3072, mlp_matrices=2)
    >>> f"{kaplan_forward_flops(shape, context=1024):.4g}"
    '2.391e+08'
    """
    d = shape.width
    attention = 8 * d**2 + 2 * context * d
    return 4 * d + shape.num_layers * (attention + _mlp_flops(shape)) + 2 * shape.vocab * d


def hoffmann_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """Forward FLOPs per token as Hoffmann et al. 2022 count (arXiv 2203.15556, App. F).

    Attention is counted in full, as if it were bidirectional, and the embedding as a product.

    >>> shape = TransformerShape(num_layers=12, width=768, mlp_width=3072, mlp_matrices=2)
    >>> f"{hoffmann_forward_flops(shape, context=1024):.4g}"
    '3.085e+08'
    """
    d = shape.width
    attention = 8 * d**2 + 4 * context * d + 3 * shape.num_heads * context
    return shape.num_layers * (attention + _mlp_flops(shape)) + 4 * shape.vocab * d


def narayanan_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """Forward FLOPs per token as Narayanan et al. 2021 count (arXiv 2104.04473, Sec. 3.4).

    >>> shape = TransformerShape(num_layers=12, width=768, mlp_width=3072, mlp_matrices=2)
    >>> f"{narayanan_forward_flops(shape, context=1024):.4g}"
    '2.579e+08'
    """
    d = shape.width
    attention = 8 * d**2 + 4 * context * d
    return shape.num_layers * (attention + _mlp_flops(shape)) + 2 * shape.vocab * d


def shape_of_aspect(
    num_layers: int, *, aspect_ratio: int = 128, mlp_ratio: float = 8 / 3, multiple: int = 128
) -> TransformerShape:
    """The paper's shape with so many layers: width by aspect ratio, MLP rounded up to a multiple.

    >>> shape_of_aspect(8).mlp_width
    2816
    """
    width = aspect_ratio * num_layers
    # The guard keeps 8/3 * 1536 = 4096 from being rounded up one multiple further.
    mlp_width = math.ceil(mlp_ratio * width / multiple - 1e-9) * multiple
    return TransformerShape(num_layers=num_layers, width=width, mlp_width=mlp_width)


_TABLE_13 = """
103M 143M 198M 266M 340M 435M 546M 664M 810M 975M 1.15B 1.35B 1.59B 1.82B 2.1B 2.41B 2.72B 3.08B
3.48B 3.87B 4.33B 4.82B 5.31B 5.87B 6.48B 7.07B 7.75B 8.47B 9.17B 10B 10.8B 11.7B 12.6B
"""


def busbridge_shapes() -> dict[str, TransformerShape]:
    """The 33 models of the paper's Table 13, by their printed names.

    The 10B row prints an MLP width of 12672, its printed size needs 12800: that is taken.

    >>> shapes = busbridge_shapes()
    >>> len(shapes), f"{shapes['546M'].num_params:.4g}"
    (33, '5.46e+08')
    """
    names = _TABLE_13.split()
    shapes = {name: shape_of_aspect(layers) for layers, name in enumerate(names, start=8)}
    return shapes | {"10B": dataclasses.replace(shapes["10B"], mlp_width=12800)}
