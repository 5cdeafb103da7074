"""Forward FLOPs per token of a transformer of a given shape, by the conventions of several papers.

A multiply-add counts as two. Source, unless another is named: Busbridge et al. 2025, arXiv
2502.08606, App. H. Users import these names from `jaxlaws.compute`.
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransformerShape:
    """The shape of a decoder-only transformer.

    Attributes:
        num_layers: number of layers.
        width: width d of the model.
        mlp_width: width of the MLP.
        vocab: size of the vocabulary. The output layer and the embedding share their weights.
        head_width: width of an attention head.
        kv_group: number of query heads that share one key and value head.
        mlp_matrices: 3 for a gated MLP, 2 otherwise.
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
        """Number of parameters without the embedding, with the gains of all norms."""
        d = self.width
        attention = 2 * d * d + 2 * d * d // self.kv_group + 2 * self.head_width + d
        mlp = self.mlp_matrices * d * self.mlp_width + d
        return self.num_layers * (attention + mlp) + d

    @property
    def num_total_params(self) -> int:
        """Number of parameters with the embedding.

        >>> TransformerShape(num_layers=8, width=1024, mlp_width=2816).num_total_params
        136334336
        """
        return self.num_params + self.vocab * self.width

    @property
    def num_heads(self) -> float:
        """Number of attention heads."""
        return self.width / self.head_width


def _mlp_flops(shape: TransformerShape) -> float:
    return 2.0 * shape.mlp_matrices * shape.width * shape.mlp_width


def exact_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """Return the forward FLOPs per token of every matrix and of the softmax (App. H, "ours").

    Causal attention is counted at half, because a token sees half the context on average.

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
    """Return `2 N + 2 layers context width + 2 vocab width`, forward FLOPs per token (Eq. 72).

    >>> shape = TransformerShape(num_layers=17, width=2176, mlp_width=5888)
    >>> f"{approximate_forward_flops(shape):.4g}"
    '2.397e+09'
    """
    d = shape.width
    return 2.0 * shape.num_params + 2 * shape.num_layers * context * d + 2 * shape.vocab * d


def kaplan_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """Return the forward FLOPs per token as in Kaplan et al. 2020 (arXiv 2001.08361, Table 1).

    Their `C = 6 N D` excludes the embedding and the output layer. This count includes both.

    >>> shape = TransformerShape(num_layers=12, width=768, mlp_width=3072, mlp_matrices=2)
    >>> f"{kaplan_forward_flops(shape, context=1024):.4g}"
    '2.391e+08'
    """
    d = shape.width
    attention = 8 * d**2 + 2 * context * d
    return 4 * d + shape.num_layers * (attention + _mlp_flops(shape)) + 2 * shape.vocab * d


def hoffmann_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """Return the forward FLOPs per token as in Hoffmann et al. 2022 (arXiv 2203.15556, App. F).

    Attention is counted in full, as if it were not causal. The embedding counts as a matrix
    product.

    >>> shape = TransformerShape(num_layers=12, width=768, mlp_width=3072, mlp_matrices=2)
    >>> f"{hoffmann_forward_flops(shape, context=1024):.4g}"
    '3.085e+08'
    """
    d = shape.width
    attention = 8 * d**2 + 4 * context * d + 3 * shape.num_heads * context
    return shape.num_layers * (attention + _mlp_flops(shape)) + 4 * shape.vocab * d


def narayanan_forward_flops(shape: TransformerShape, *, context: float = 4096) -> float:
    """Return the forward FLOPs per token as in Narayanan et al. 2021 (arXiv 2104.04473, Sec. 3.4).

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
    """Return the paper's shape for a number of layers.

    Args:
        num_layers: number of layers.
        aspect_ratio: width of the model over its number of layers.
        mlp_ratio: width of the MLP over the width of the model, before rounding.
        multiple: the width of the MLP is rounded up to a multiple of this number.

    >>> shape_of_aspect(8).mlp_width
    2816
    """
    width = aspect_ratio * num_layers
    # Without the small number, rounding errors would take 8/3 * 1536 = 4096 to the next multiple.
    mlp_width = math.ceil(mlp_ratio * width / multiple - 1e-9) * multiple
    return TransformerShape(num_layers=num_layers, width=width, mlp_width=mlp_width)


_TABLE_13 = """
103M 143M 198M 266M 340M 435M 546M 664M 810M 975M 1.15B 1.35B 1.59B 1.82B 2.1B 2.41B 2.72B 3.08B
3.48B 3.87B 4.33B 4.82B 5.31B 5.87B 6.48B 7.07B 7.75B 8.47B 9.17B 10B 10.8B 11.7B 12.6B
"""


def busbridge_shapes() -> dict[str, TransformerShape]:
    """Return the shapes of the 33 models in the paper's Table 13, by their printed names.

    For the model 10B the table has an MLP width of 12672, but the printed size needs 12800. This
    function uses 12800.

    >>> shapes = busbridge_shapes()
    >>> len(shapes), f"{shapes['546M'].num_params:.4g}"
    (33, '5.46e+08')
    """
    names = _TABLE_13.split()
    shapes = {name: shape_of_aspect(layers) for layers, name in enumerate(names, start=8)}
    return shapes | {"10B": dataclasses.replace(shapes["10B"], mlp_width=12800)}
