"""Choosing runs by an expression over a table's columns: `loss < 2.3`, `model == "A"`.

The expression is parsed into Python's syntax tree. Only the nodes below are supported, and nothing
is executed. A comparison with a missing value is neither true nor false. A run is chosen only
where the whole expression is true.
"""

import ast
import dataclasses
import operator
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fitting.data.preparation.usual_names import our_names
from fitting.data.run_sizes import extent
from jaxlaws.foundations.annotations import Array
from jaxlaws.foundations.quantities import parse_quantity
from jaxlaws.inputs import OUTCOME

if TYPE_CHECKING:
    from fitting.data.runs import Runs

_LONGEST = 1000
# Quoted text, a column's name between backticks, or a quantity with a suffix.
_TOKENS = re.compile(
    r"""("[^"]*"|'[^']*')|`([^`]*)`|(?<![\w.])((?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"""
    r"""[KMBGTPkmbgtp])(?!\w)"""
)
_COMPARISONS: dict[type[ast.cmpop], Callable[[Array, Array], Array]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Array, Array], Array]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SUPPORTED = (
    "compare columns with numbers, each other or quoted text (<, <=, >, >=, ==, !=, in), and join "
    "comparisons with and, or, not"
)


@dataclasses.dataclass(frozen=True, eq=False)
class _Truth:
    """Two masks over the runs, `(num_runs,)` each; both are false where a value is missing."""

    true: np.ndarray
    false: np.ndarray


def _not(truth: _Truth) -> _Truth:
    return _Truth(truth.false, truth.true)


def _all(truths: list[_Truth]) -> _Truth:
    true, false = zip(*((each.true, each.false) for each in truths), strict=True)
    return _Truth(np.logical_and.reduce(true), np.logical_or.reduce(false))


def _any(truths: list[_Truth]) -> _Truth:
    return _not(_all([_not(each) for each in truths]))


def matching(runs: "Runs", expression: str) -> np.ndarray:
    """A boolean mask of the runs for which an expression is true, `(num_runs,)`.

    Args:
        runs: the table. A column has its own name in the table, and that of the input that it
            holds, or `loss`. Write names that are not valid in Python between backticks.
            `flops` is 6 N D where the table has no value.
        expression: comparisons joined by `and`, `or`, `not`, with arithmetic (`+ - * / **`)
            between columns and quantities (`1e21`, `1.5B`), or of text columns with quoted text.

    >>> from fitting import Runs
    >>> runs = Runs.read({"num_params": [1e8, 1e9, 7e9], "loss": [3.1, 2.5, 2.2], "set": [*"aab"]})
    >>> matching(runs, "loss < 2.3 or num_params <= 0.1B and set != 'b'").tolist()
    [True, False, True]

    Raises:
        ValueError: the expression is not valid, or names a column that the table lacks.
    """
    return _Reader(runs, expression).mask()


class _Reader:
    """Walks an expression's syntax tree, bottom up."""

    def __init__(self, runs: "Runs", expression: str) -> None:
        self.runs = runs
        self.expression = expression
        self.quoted: dict[str, str] = {}

    def mask(self) -> np.ndarray:
        if len(self.expression) > _LONGEST:
            raise ValueError(f"an expression has at most {_LONGEST} characters")
        try:
            tree = ast.parse(_TOKENS.sub(self.plain, self.expression).strip(), mode="eval")
            with np.errstate(all="ignore"):
                return self.truth(tree.body).true
        except (SyntaxError, RecursionError, MemoryError, OverflowError):
            hint = " (equality is ==)" if re.search(r"[^=<>!]=[^=]", self.expression) else ""
            raise self.wrong(f"is not a valid expression{hint}") from None

    def wrong(self, reason: str) -> ValueError:
        return ValueError(f"{self.expression!r} {reason}: {_SUPPORTED}")

    def plain(self, match: re.Match[str]) -> str:
        """The Python expression for a token that is not valid Python."""
        text, column, quantity = match.groups()
        if column is not None:
            placeholder = f"_column_{len(self.quoted)}_"
            self.quoted[placeholder] = column
            return placeholder
        return text if text is not None else repr(parse_quantity(quantity))

    def truth(self, node: ast.AST) -> _Truth:
        match node:
            case ast.BoolOp(op=joined, values=parts):
                truths = [self.truth(part) for part in parts]
                return _any(truths) if isinstance(joined, ast.Or) else _all(truths)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _not(self.truth(operand))
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                pairs = zip([left, *comparators[:-1]], ops, comparators, strict=True)
                return _all([self.comparison(*each) for each in pairs])
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                raise self.wrong("has & or |; write `and` or `or`")
        raise self.wrong(f"has {ast.unparse(node)!r} where a comparison is expected")

    def comparison(self, left: ast.AST, op: ast.cmpop, right: ast.AST) -> _Truth:
        if isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, (ast.Tuple, ast.List)):
            if not right.elts:
                raise self.wrong("has an empty list")
            among = _any([self.comparison(left, ast.Eq(), item) for item in right.elts])
            return among if isinstance(op, ast.In) else _not(among)
        compare = _COMPARISONS.get(type(op))
        if compare is None:
            raise self.wrong("has a comparison that is not supported")
        a, b = self.values(left), self.values(right)
        texts = [each.dtype.kind == "U" for each in (a, b)]
        if any(texts):
            self.check_texts(texts, (left, right), (a, b), op)
            known = (a != "") & (b != "")
        else:
            known = ~(np.isnan(a) | np.isnan(b))
        held = compare(a, b)
        shape = self.runs.rows.shape
        return _Truth(np.broadcast_to(held & known, shape), np.broadcast_to(~held & known, shape))

    def check_texts(
        self,
        texts: list[bool],
        nodes: Sequence[ast.AST],
        values: Sequence[np.ndarray],
        op: ast.cmpop,
    ) -> None:
        if all(texts) and isinstance(op, (ast.Eq, ast.NotEq)):
            return
        node, held = next(
            (node, value)
            for node, value, is_text in zip(nodes, values, texts, strict=True)
            if is_text
        )
        what = ast.unparse(node)
        if isinstance(node, ast.Name):
            name = self.quoted.get(node.id, node.id)
            some = ", ".join(repr(str(text)) for text in np.unique(held)[:3])
            what = f"column {name}, which holds text such as {some}"
        raise self.wrong(f"compares {what}: text is compared with quoted text, by ==, != or in")

    def values(self, node: ast.AST) -> np.ndarray:
        """Numbers or texts: one for each run, or one for all runs."""
        match node:
            case ast.Name(id=name):
                return self.column(self.quoted.get(name, name))
            case ast.Constant(value=bool() | int() | float() as number):
                return np.asarray(float(number))
            case ast.Constant(value=str() as text):
                return np.asarray(text)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                numbers = self.numbers(operand)
                return -numbers if isinstance(sign, ast.USub) else numbers
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return np.asarray(_ARITHMETIC[type(op)](self.numbers(left), self.numbers(right)))
            case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
                raise self.wrong("has & or |; write `and` or `or`")
        raise self.wrong(f"has {ast.unparse(node)!r}, which is not supported")

    def numbers(self, node: ast.AST) -> np.ndarray:
        values = self.values(node)
        if values.dtype.kind == "U":
            raise self.wrong(f"has arithmetic on {ast.unparse(node)}, which is text")
        return values

    def column(self, name: str) -> np.ndarray:
        if name == "flops":
            return extent(self.runs, name)
        known = [*self.runs.inputs, *self.runs.others, OUTCOME]
        if name not in known and name not in self.runs.titles.values():
            (name,) = our_names({name: ""}, known)  # `params` is num_params
        try:
            return self.runs.column(name)
        except ValueError as error:
            raise ValueError(f"{self.expression!r}: {error} (write text in quotes)") from None
