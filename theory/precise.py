"""Exponentials and logarithms to fifty digits, as fractions: the reference for float64 code that calls them.

Standard library only: `decimal`, whose exp and ln are correctly rounded. The relative error of a result is below
10^-50 for arguments up to 10^5 in size (of a logarithm: 10^-50 absolute, since its argument is rounded first, which
is relative to a small result only near 1), and nothing beside float64.
"""

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction

_CONTEXT = Context(prec=70, Emin=-(10**6), Emax=10**6)


def exponential(x: Fraction) -> Fraction:
    """exp(x)."""
    return Fraction(_CONTEXT.exp(_decimal(x)))


def logarithm(x: Fraction) -> Fraction:
    """log(x); ValueError unless x > 0."""
    if x <= 0:
        raise ValueError(f"a logarithm needs a positive number, found {float(x)}")
    return Fraction(_CONTEXT.ln(_decimal(x)))


def one_minus_exponential(x: Fraction) -> Fraction:
    """1 - exp(-x) for x >= 0, without cancellation: by its series below 1/16.

    >>> float(one_minus_exponential(Fraction(1e-300)))
    1e-300
    """
    if x > 1000:
        return Fraction(1)
    if x > Fraction(1, 16):
        return 1 - exponential(-x)
    total, term = Fraction(0), Fraction(-1)
    for degree in range(1, 40):  # 16^-40 / 40! is below 10^-95
        term *= -x / degree
        total += term
        if abs(term) < total / 10**60:
            break
    return total


def softmax(values: Sequence[Fraction]) -> list[Fraction]:
    """exp(v_i) / sum exp(v_j)."""
    top = max(values)
    powers = [exponential(value - top) for value in values]
    return [power / sum(powers) for power in powers]


def entropy(p: Sequence[Fraction]) -> Fraction:
    """-sum p log p, nats."""
    return -sum((value * logarithm(value) for value in p if value > 0), Fraction(0))


def cross_entropy(p: Sequence[Fraction], logits: Sequence[Fraction]) -> Fraction:
    """-sum p log softmax(logits), nats."""
    top = max(logits)
    partition = top + logarithm(sum((exponential(value - top) for value in logits), Fraction(0)))
    return sum((weight * (partition - value) for weight, value in zip(p, logits, strict=True)), Fraction(0))


def _decimal(x: Fraction) -> Decimal:
    return _CONTEXT.divide(Decimal(x.numerator), Decimal(x.denominator))
