"""The tables: which rows each of them has, in full and in small."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from amss_min.testing.estimator import Estimator
from amss_min.testing.families import FAMILIES
from simulations.statistics.crossing import Crossing
from simulations.statistics.estimators import alternating, hidden, lognormal, masked, outliers
from simulations.statistics.machinery import FalseAlarms, Misses
from simulations.statistics.power import Consistency, Power
from simulations.statistics.row import Row
from simulations.statistics.skewed import LAWS, Skewed

DETECT = 0.1
"""What a bias is held against where missing it is counted."""

_ABOVE = DETECT * (1 + 2**-10)
_INCLUSIONS, _BIASES = (0.5, 0.1, 0.01), (0.3, 0.1, 0.03, 0.01)
_DECLARED = {"": "nothing", "bound": "a bound", "omega": "omega"}


def tables(*, quick: bool = False) -> Mapping[str, Sequence[Row]]:
    """The rows of every table, by its name; quick: fewer and smaller ones of the same kinds."""
    paths, longest, long = (500, 1000, 1000) if quick else (20_000, 100_000, 10_000)
    inclusions, biases = (_INCLUSIONS[:1], _BIASES[:1]) if quick else (_INCLUSIONS, _BIASES)
    ways = ("weight, upward", "weight, downward")
    return MappingProxyType(
        {
            "frequencies": [Crossing(process="frequency", pi=pi, horizon=longest, runs=paths) for pi in inclusions],
            "weights": [Crossing(process=way, pi=pi, horizon=long, runs=paths) for pi in inclusions for way in ways],
            "skewed": [Skewed(law=law, horizon=long, runs=paths) for law in LAWS],
            "unbiased": _unbiased(0.001 if quick else 1.0),
            "outside": _outside(0.02 if quick else 1.0),
            "biased": _biased(0.005 if quick else 1.0),
            "power": [Power(pi=pi, bias=b, alpha=1e-9, runs=51 if quick else 501) for pi in inclusions for b in biases],
            "consistency": _consistency(quick),
        }
    )


def _unbiased(share: float) -> Sequence[Row]:
    one, all_of_them = ("gaussian",), tuple(FAMILIES)
    rows: list[tuple[str, Callable[[], Estimator], int, tuple[str, ...], int]] = [
        ("masks, inclusion 1/2", partial(masked, 0.5), 6000, one, 1),
        ("masks, inclusion 1/2", partial(masked, 0.5), 1500, ("gaussian", "ties"), 2),
        ("masks, inclusion 1/5", partial(masked, 0.2, declare="bound"), 4500, one, 1),
        ("masks, inclusion 1/5", partial(masked, 0.2, declare="bound"), 300, all_of_them, 3),
        ("masks, inclusion 1/5", partial(masked, 0.2, declare="omega"), 3500, one, 1),
        ("lognormal weights, omega = 1", partial(lognormal, 1.0, declare="omega"), 2000, one, 1),
        ("outliers on both sides, 1 in 1000", partial(outliers, 1e-3), 3000, one, 1),
    ]
    return [
        FalseAlarms(name=name, estimator=made, draws=8000, runs=max(3, int(share * runs)), families=families, units=k)
        for name, made, runs, families, k in rows
    ]


def _outside(share: float) -> Sequence[Row]:
    return [
        FalseAlarms(
            name="half of the mean in 1 of 10,000 draws",
            estimator=partial(hidden, 1e-4, declare=declare),
            draws=8000,
            runs=int(share * 100),
        )
        for declare in _DECLARED
    ]


def _biased(share: float) -> Sequence[Row]:
    rows: list[tuple[str, partial[Estimator], int]] = [
        ("all weights too large", partial(masked, 0.5, bias=_ABOVE), 1),
        ("all weights too large", partial(masked, 0.5, bias=_ABOVE, declare="bound"), 1),
        ("all weights too small", partial(masked, 0.5, bias=-_ABOVE, declare="bound"), 1),
        ("all weights too large", partial(masked, 0.5, bias=_ABOVE, declare="omega"), 1),
        ("all weights too small", partial(masked, 0.5, bias=-_ABOVE, declare="omega"), 1),
        ("weights too large and too small in turn", partial(alternating, 0.5, bias=_ABOVE), 2),
        ("none, for comparison", partial(masked, 0.5, bias=0.0, declare="bound"), 1),
    ]
    return [
        Misses(
            name=name,
            estimator=made,
            draws=12_000,
            runs=int(share * 400),
            families=("ties",),
            units=k,
            bias=made.keywords["bias"],
            detect=DETECT,
        )
        for name, made, k in rows
    ]


def _consistency(quick: bool) -> Sequence[Row]:
    return [
        Consistency(
            family=family,
            omega=omega,
            declares=said,
            estimator=partial(masked, 1 / (1 + omega), declare=key),
            runs=3 if quick else 15,
        )
        for omega in ((1.0,) if quick else (1.0, 3.0, 9.0))
        for key, said in _DECLARED.items()
        for family in (("ties",) if quick else FAMILIES)
    ]
