"""Four synthetic tables, and ten formulas for each that people would fit to such a table.

The tables have the inputs, the ranges, the number of runs and the noise of published studies:
parallel streams, size of the vocabulary, learning rate and batch size, and shares of data domains.
Their outcomes come from a law that is none of the ten formulas, or from one of them with noise.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from experiments.benchmarks.any_law.formulas import law_type, table_of
from experiments.benchmarks.any_law.random_fits import Outcome, is_poor
from experiments.benchmarks.any_law.reference import Reference
from fitting import Runs, Squares, Status, fit


@dataclasses.dataclass(frozen=True)
class Task:
    """A table, and formulas for it.

    Attributes:
        table: from random numbers to inputs by symbol and outcomes, `(num_runs,)` or `(num_runs,
            num_outcomes)`.
        formulas: symbols of the inputs, coefficients and formula of each law, as in `formulas`.
        outcomes: the names of the outcomes, where there are several.
        any_sign: whether outcomes may be zero or negative.
    """

    table: Callable[[np.random.Generator], tuple[dict[str, np.ndarray], np.ndarray]]
    formulas: tuple[tuple[str, str, str], ...]
    outcomes: tuple[str, ...] = ()
    any_sign: bool = False


def _streams(random: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """24 runs of six sizes with 1 to 8 streams, at 42 billion tokens."""
    sizes = [5.36e8, 6.93e8, 1.09e9, 1.57e9, 2.78e9, 4.41e9]
    n, s = (each.ravel() for each in np.meshgrid(sizes, [1.0, 2.0, 4.0, 8.0], indexing="ij"))
    loss = 1.29 + (1.98e8 / (n * (1 + 0.334 * np.log(s)))) ** 0.196
    return {"N": n, "S": s}, loss * np.exp(7e-4 * random.normal(size=loss.shape))


def _vocabularies(random: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """300 losses relative to a unigram model: 6 sizes, 10 vocabularies, 5 lengths of the text."""
    sizes = [3.3e7, 8.5e7, 1.51e8, 3.02e8, 6.79e8, 1.13e9]
    vocabularies = [4e3, 6e3, 8e3, 1.2e4, 1.6e4, 2.4e4, 3.2e4, 4.8e4, 6.4e4, 9.6e4]
    characters = [1e8, 5e8, 2e9, 8e9, 2.5e10]
    n, v, h = (x.ravel() for x in np.meshgrid(sizes, vocabularies, characters, indexing="ij"))
    tokens, of_vocabulary = h / (0.9 * np.log(v) - 4), v * 0.4 * n**0.5
    loss = -5.53 + 1.83 * (n / 1e6) ** -0.447 + 0.196 * (of_vocabulary / 1e9) ** -0.12
    loss += 2.12 * (tokens / 1e9) ** -0.447
    return {"N": n, "V": v, "H": h}, loss + 0.03 * random.normal(size=loss.shape)


def _rates(random: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """400 runs around the Step Law's best learning rate and batch size."""
    n = random.choice([6e7, 1.2e8, 2.15e8, 2.68e8, 4.29e8, 5.37e8, 1.07e9], 400)
    d = n * random.choice([10, 20, 40, 100, 250], 400)
    rate = 2.0 ** random.integers(-13, -5, 400) * random.choice([1.0, 2**0.5], 400)
    batch = 2.0 ** random.integers(5, 11, 400)
    off = np.log(rate / (1.79 * n**-0.713 * d**0.307))
    of_batch = np.log(2048 * batch / (0.58 * d**0.571))
    bowl = 0.012 * np.logaddexp(1.5 * off, -off) ** 2 + 0.01 * of_batch**2
    loss = 1.6 + 300 * n**-0.34 + 900 * d**-0.32 + bowl
    return {"LR": rate, "BS": batch, "D": d, "N": n}, loss * np.exp(2e-3 * random.normal(size=400))


def _mixtures(random: np.random.Generator) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """25 mixtures of five domains, some without a domain, and the loss on each domain."""
    shares = random.dirichlet(np.full(5, 0.7), 25)
    shares = np.where(shares < 0.03, 0.0, shares)
    shares /= shares.sum(axis=1, keepdims=True)
    help_each = 0.25 * random.random((5, 5)) + np.diag(random.uniform(1, 2.5, 5))
    floors, heights = random.uniform(1.2, 2.6, 5), random.uniform(0.5, 1.5, 5)
    loss = floors + heights * (1 + 8 * shares @ help_each.T) ** -0.6
    inputs = {f"r{i + 1}": shares[:, i] for i in range(5)}
    return inputs, loss * np.exp(2e-3 * random.normal(size=loss.shape))


_CHINCHILLA = "E:+ A:+ a:+ B:+ b:+"
_FIVE = "r1 r2 r3 r4 r5"
_R = "R=stack([r1,r2,r3,r4,r5],-1); "
_ALL = "LR BS D N"

TASKS: dict[str, Task] = {
    "parallel streams": Task(
        _streams,
        (
            ("N S", "E:+ A:+ a:+ k:+", "E+power(A/(N*(1+k*log(S))),a)"),
            ("N S", "c:r p:+ a:+ q:r b:r", "c+p*power(N,-a)+q*power(S,-b)"),
            ("N S", "c:+ p:+N^a a:+ b:+", "c+p*power(N,-a)*power(S,-b)"),
            ("N S", "E:r A:r a:r k:r", "E+A*power(N,a)*(1-k*log(S))"),
            ("N S", "L:+ A:+ a:+ g:+", "L+power(A/(N*power(S,g)),a)"),
            ("N S", "E:r A:+ a:+ B:r C:r", "E+A*power(N,-a)+B*log(S)+C*log(S)**2"),
            ("N S", "a:r b:r c:r d:r", "a+b*power(N,-c)+d/(1+S)"),
            ("N S", "E:+ A:+ a:+ k:+ b:+", "E+A/(power(N,a)+k*power(S,b))"),
            ("N S", "a:r b:r c:r d:r", "exp(a+b*log(N)+c*log(S)+d*log(N)*log(S))"),
            ("N S", "E:+ A:+ a:+ k:+", "E+A*power(N/1e9,-a)*exp(-k*(1-1/S))"),
        ),
    ),
    "vocabulary": Task(
        _vocabularies,
        (
            ("N V H", "E:r A:+ a:+ B:+ b:+ C:+ c:+",
             "E+A*power(N,-a)+B*power(V,-b)+C*power(H,-c)"),
            ("N V H", "p0:r p1:r p2:r p3:r p4:r p5:r p6:r",
             "p0+p1*power(N,p2)+p3*power(V,p4)+p5*power(H,p6)"),
            ("N V H", "L:r A:+ a:+ B:+ b:+ C:r v:r",
             "L+A*power(N,-a)+B*power(H,-b)+C*(log(V)-v)**2"),
            ("N V H", "w:r[7]",
             "n=log(N); v=log(V); h=log(H); "
             "stack([1+0*n,n,v,h,v*v,n*v,n*h],-1)@w"),
            ("N V H", "L:r k:r v:r n:r d:r", "L+k*power(V,v)*power(N,n)*power(H,d)"),
            ("N V H", "E:r A:+ a:+ B:+ b:+ F:+ g:r h:+",
             "E+A*power(N,-a)+B*power(H,-b)+F*power(V/power(N,g),h)"),
            ("N V H", "E:r A:+ a:+ B:+ b:+ g:+ C:r",
             "-E+power(A*power(N,-a)+B*power(H,-b),g)+C*log(V)"),
            ("N V H", "E:r A:+ a:+ B:+ b:+", "E+A*power(N*V,-a)+B*power(H/V,-b)"),
            ("N V H", "a:r b:+ c:+ d:+ e:+ f:r g:r",
             "a+b*power(N,-c)+d*power(H,-e)-f*log(V)+g*V/N"),
            ("N V H", "E:r A:+ a:r B:+ b:+ C:r c:r",
             "E-A*power(V,a)/(1+B*power(N,-b))-C*power(H,c)"),
        ),
        any_sign=True,
    ),
    "learning rate and batch size": Task(
        _rates,
        (
            (_ALL, f"{_CHINCHILLA} k:+ c0:r c1:r c2:r m:+ d0:r d1:r",
             "E+A*power(N,-a)+B*power(D,-b)+k*(log(LR)-c0-c1*log(N)-c2*log(D))**2"
             "+m*(log(BS)-d0-d1*log(D))**2"),
            (_ALL, f"{_CHINCHILLA} w:r[5]",
             "l=log(LR); s=log(BS); "
             "E+A*power(N,-a)+B*power(D,-b)+stack([l,l*l,s,s*s,l*s],-1)@w"),
            (_ALL, f"{_CHINCHILLA} C:+ c:+ F:+ f:+",
             "E+A*power(N,-a)+B*power(D,-b)+C*power(LR,c)+F*power(LR,-f)"),
            (_ALL, "w:r[15]",
             "l=log(LR); s=log(BS); d=log(D); n=log(N); "
             "stack([1+0*l,l,s,d,n,l*l,s*s,d*d,n*n,l*s,l*d,l*n,s*d,s*n,d*n],-1)@w"),
            (_ALL, "w:r[15]",
             "l=log(LR); s=log(BS); d=log(D); n=log(N); "
             "exp(stack([1+0*l,l,s,d,n,l*l,s*s,d*d,n*n,l*s,l*d,l*n,s*d,s*n,d*n],-1)@w)"),
            (_ALL, f"{_CHINCHILLA} k:+ r:+ s:r m:+ t:+",
             "(E+A*power(N,-a)+B*power(D,-b))"
             "*(1+k*(log(LR/r)+s*log(N/1e8))**2+m*log(BS/t)**2)"),
            (_ALL, f"{_CHINCHILLA} k:+ r:+ m:+ t:+",
             "E+A*power(N,-a)+B*power(D,-b)+k*(LR/r+r/LR-2)+m*(BS/t+t/BS-2)"),
            (_ALL, f"{_CHINCHILLA} C:r l:r F:r s:r G:r",
             "E+A*power(N,-a)+B*power(D,-b)+C*(log(LR)-l)**2+F*(log(BS)-s)**2"
             "+G*(log(LR)-l)*(log(BS)-s)"),
            ("LR D N", "a:r b:+ c:+ d:+ e:+ r:+ f:+",
             "a+b*power(D,-c)*power(N,-d)+e*power(abs(log(LR/r)),f)"),
            (_ALL, f"{_CHINCHILLA} C:r F:+ f:+",
             "E+A*power(N,-a)+B*power(D,-b)+C*LR/BS+F*power(LR*D/BS,-f)"),
        ),
    ),
    "domain mixtures": Task(
        _mixtures,
        (
            (_FIVE, "c:+[5] k:+[5] t:r[5,5]", f"{_R}c+k*exp(R@t.T)"),
            (_FIVE, "c:+[5] t:r[5,5]", f"{_R}c+exp(R@t.T)"),
            (_FIVE, "w:r[5,5]", f"{_R}R@w.T"),
            (_FIVE, "w:r[5,5]", f"{_R}exp(R@w.T)"),
            (_FIVE, "c:+[5] k:+[5] a:+[5] s:+[5]", f"{_R}c+k*power(R+s,-a)"),
            (_FIVE, "c:r[5] k:r[5] a:r[5]", f"{_R}c+k*exp(-a*R)"),
            (_FIVE, "w:r[5,5] q:r[5]", f"{_R}R@w.T+q*R**2"),
            (_FIVE, "c:r[5] b:r[5] s:+", f"{_R}c-b*log(R+s)"),
            (_FIVE, "c:+[5] w:+[5,5] a:+", f"{_R}c+power(R@w.T,-a)"),
            (_FIVE, "c:r[5] w:r[5,5]", f"{_R}sqrt(R)@w.T+c"),
        ),
        outcomes=tuple(f"loss_{i}" for i in range(1, 6)),
    ),
}  # fmt: skip


def task_fits(names: Sequence[str], num_starts: int, num_tables: int = 1) -> Iterator[Outcome]:
    """Fit every formula with default options; the reference is SciPy's best of many starts."""
    for name in names:
        task = TASKS[name]
        for place, (symbols, coefficients, formula) in enumerate(task.formulas, 1):
            law = law_type(
                f"{''.join(part.capitalize() for part in name.split())}{place}",
                symbols, coefficients, formula, any_sign=task.any_sign, outcomes=task.outcomes,
            )  # fmt: skip
            for number in range(num_tables):
                values, observed = task.table(np.random.default_rng((number, *name.encode())))
                inputs = table_of({symbol: values[symbol] for symbol in symbols.split()})
                columns = dict(
                    zip(task.outcomes or ("loss",), np.atleast_2d(observed.T), strict=True)
                )
                runs = Runs.read({**inputs, **columns}, law_type=law)
                result = fit(law, runs, objective=Squares())
                reference = Reference(law, inputs, observed, Squares())
                best = min(
                    reference.lowest(num_starts, seed=number),
                    reference.descend(reference.vector(result.law))[1],
                )
                yield Outcome(
                    kind=f"{name}, {formula.removeprefix(_R)}",
                    number=number,
                    status=Status(result.status),
                    excess=result.objective / best - 1,
                    starts_agreeing=result.starts_agreeing,
                    is_poor=is_poor(result),
                )
