"""Where the draws of conditional Poisson and Sampford sampling turn, word by word.

Both draw unit after unit: j is drawn iff its word lies below 2^62 c, c = P(j drawn | what was decided before), and c
follows from the exact law by summing over the masks that begin alike. Production computes c in float64, so its
threshold lies near the exact one (`share_error`); probes keep that far away from it and no further.
"""

import math
from fractions import Fraction

from torch import Tensor

from amss_min.designs.conditional_poisson import ConditionalPoisson
from amss_min.designs.sampford import Sampford
from theory.enumeration import Law
from theory.moments import Number
from theory.pieces import Piece
from theory.product_laws import conditional_poisson_law, sampford_law
from theory.rounding import ROUNDING

_WORD = 2**62
_GRID = 2**40


def share_error(n: int) -> Fraction:
    """Relative error of min(c, 1 - c) in production, c a conditional probability of n units: 8 (n + 1) roundings.

    A table entry is a sum of products, one factor a unit. A unit adds at most 3 roundings to a term: of the product
    and of the sum, and one more of the odds taken : left (conditional Poisson) or of the sum with the marked term
    (Sampford, whose odds are exact, and whose marked unit adds 4 once). At most n - 1 units follow: 3 n - 2. To this
    the weights of drawing and of not drawing add at most 4 (with the sum over the unit's own two cases), their sum 1,
    the quotient 1. Numerator and denominator together: 2 (3 n + 2) + 2 < 8 (n + 1), which leaves room for second-order
    terms while n 2^-50 is below 1 / 100.

    Besides, production rounds the smaller share to whole words, at least one: less than one word of 2^-62. So with
    e = share_error(n), a mask of probability P has a realised one within P ((1 + e)^n - 1) + n (1 + e)^n 2^-62.
    """
    return 8 * (n + 1) * ROUNDING


def product_law(design: ConditionalPoisson | Sampford, p: Tensor, k: int) -> Law:
    """The exact law of a design for sizes p (n,) and count k.

    Sampford: of the inclusion probabilities r / 2^40. Conditional Poisson: of the float64 weights that production
    solved for, taken as they stand; how near they come to the target is a matter of its own.
    """
    if isinstance(design, Sampford):
        pi = [Fraction(r, _GRID) for r in design.fixed_point(p, k).tolist()]
        return sampford_law(pi, int(sum(pi)))
    weights: list[Number] = [Fraction(w) if math.isfinite(w) else w for w in design.weights(p, k).tolist()]
    return conditional_poisson_law(weights, k)


def product_pieces(design: ConditionalPoisson | Sampford, p: Tensor, k: int) -> list[Piece]:
    """Every mask of positive probability, with words at both ends of the part of the word space that gives it.

    The first probe has every word next to its threshold, on the side of the mask and as near as `share_error` allows;
    the second has every word at the far end, 0 where drawn and 2^62 - 1 where not. What one mask has on one side of a
    threshold, the masks that part from it there have on the other. Sizes p (n,), count k; any n that can be
    enumerated. The words of a piece fill a box, so the mask is constant between its probes.
    """
    law = product_law(design, p, k)
    beginnings: dict[tuple[bool, ...], Fraction] = {}
    for mask, probability in law.items():
        for length in range(len(mask) + 1):
            beginnings[mask[:length]] = beginnings.get(mask[:length], Fraction(0)) + probability
    error = share_error(p.shape[-1])
    pieces = []
    for mask, probability in law.items():
        parted = [beginnings.get((*mask[:unit], True), Fraction(0)) for unit in range(len(mask))]
        shares = [inside / beginnings[mask[:unit]] for unit, inside in enumerate(parted)]
        near = tuple(_near(share, drawn, error) for share, drawn in zip(shares, mask, strict=True))
        far = tuple(0 if drawn else _WORD - 1 for drawn in mask)
        pieces.append(Piece(mask, probability, [near, far]))
    return pieces


def _near(share: Fraction, drawn: bool, error: Fraction) -> int:
    """The word nearest to the threshold 2^62 share that production is bound to take for drawn, or for not drawn."""
    slack = min(share, 1 - share) * error * _WORD + 1 if 0 < share < 1 else 0
    if drawn:
        return max(math.ceil(share * _WORD - slack) - 1, 0)
    return min(math.ceil(share * _WORD + slack), _WORD - 1)
