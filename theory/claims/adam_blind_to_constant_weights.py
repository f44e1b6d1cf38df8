r"""Adam with eps = 0 does not see constant weights: AMSS and AMSS+ with the same draws make the same steps.

Setting
-------
torch.optim.Adam after the mask, eps = 0 with 0 / 0 = 0 (a unit that was never drawn does not move). AMSS and AMSSPlus
with the same design, the same draws, and inclusion probabilities pi_j that do not change over time.

Claim
-----
The two trajectories are the same: Adam divides the first moment by the root of the second, and a constant factor 1 /
pi_j on every gradient of unit j cancels. Proof: by induction over t. With equal iterates both see the same gradients
and the same draws; the first moments differ by the factor 1 / pi_j, the second by its square; so the updates are equal.
QED. So under Adam AMSS+ is not AMSS made unbiased, as long as pi is constant: its correction is invisible.

It ends where pi changes from step to step, as it does with importance from gradients; plain SGD always sees the
weights.

Assumptions
-----------
Constant pi_j > 0; eps = 0; nothing else between the mask and Adam.

How it is checked
-----------------
AMSS and AMSSPlus themselves, each attached to its own torch.optim.Adam, from equal seeds of the design's words, 30
steps on a coupled objective with a nonlinear gradient: every coordinate of every iterate is compared bit for bit. The
weights are powers of two (SimpleRandom with n / k = 4; Poisson sampling with pi = 1/2, 1/4, 1/8, 1/8), so that float
arithmetic commutes with them: every rounding of one trajectory is that of the other, scaled. eps = 2^-600 is the
claim's 0: it is lost in rounding beside a root above 2^-540, and makes 0 / 0 a 0. For other pi_j the two differ by
rounding.

For contrast, without equality: SGD with the same draws; Adam with importance from the gradients.

What would refute it
--------------------
A weight or an indicator that changes from draw to draw; different draws under the two methods.

Source
------
Derived above, from Adam's update (Kingma and Ba, ICLR 2015).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from amss_min.amss import AMSS, AMSSPlus
from amss_min.designs import Design, Poisson, SimpleRandom, Systematic
from amss_min.importance import Importance, SquaredGradient
from amss_min.testing import Evidence, Status
from theory.assumptions import POSITIVE_INCLUSION, Assumption
from theory.comparison import Comparison, departure, equality
from theory.sources import Source
from theory.verdict import Claim, Kind

_STEPS = 30
_SEEDS = (0, 1)
_EPS = 2.0**-600

CONSTANT_INCLUSION = Assumption("constant inclusion", r"$\pi_j$ does not change from step to step")


@dataclass(frozen=True)
class _Fixed(Importance):
    """Sizes that do not depend on the gradient: shares of four units."""

    def __call__(self, norms: Tensor) -> Tensor:
        """The same sizes for every draw."""
        return torch.tensor([0.5, 0.25, 0.125, 0.125], dtype=torch.float64).expand(norms.shape)


@dataclass(frozen=True)
class _Case:
    n: int
    keep: float
    importance: Importance
    design: type[Design]


_CONSTANT = (_Case(8, 0.25, SquaredGradient(mix=1.0), SimpleRandom), _Case(4, 0.25, _Fixed(), Poisson))
_CHANGING = _Case(8, 0.25, SquaredGradient(mix=0.5), Systematic)


def check() -> list[Evidence]:
    """Both constant designs under Adam; SGD and changing probabilities for contrast."""
    scope = f"{len(_SEEDS)} seeds, {_STEPS} steps; proof in the claim's file"
    return [
        equality(
            _iterates(),
            what="iterates of AMSSPlus under Adam, against those of AMSS, bit for bit",
            scope=f"n/k = 4 by SimpleRandom, pi = 1/2, 1/4, 1/8, 1/8 by Poisson, {scope}",
        ),
        equality(_still(), what="runs of AMSS under Adam in which nothing moves", scope=scope),
        departure(_contrasts(), what="the same under SGD, and under Adam with changing probabilities", scope=scope),
    ]


def _trajectory(method: type[AMSS], case: _Case, optimizer: type[Optimizer], seed: int) -> Tensor:
    """Iterates (steps, n), float64."""
    parameter = nn.Parameter(torch.linspace(-2, 3, case.n, dtype=torch.float64))
    adam = optimizer is Adam
    stepping = Adam([parameter], lr=0.1, eps=_EPS, foreach=False) if adam else SGD([parameter], lr=0.1)
    masking = method(
        {"audio": parameter},
        keep=case.keep,
        importance=case.importance,
        design=case.design(),
        generator=torch.Generator().manual_seed(seed),
    )
    masking.attach(stepping)
    found = []
    for _ in range(_STEPS):
        w = parameter.detach()
        parameter.grad = w + torch.sin(2 * w) + 0.5 * torch.roll(w, 1)
        stepping.step()
        found.append(parameter.detach().clone())
    return torch.stack(found)


def _iterates() -> Iterator[Comparison]:
    for case in _CONSTANT:
        for seed in _SEEDS:
            plain, plus = (_trajectory(method, case, Adam, seed) for method in (AMSS, AMSSPlus))
            for step in range(_STEPS):
                for unit in range(case.n):
                    yield Comparison(
                        expected=Fraction(float(plain[step, unit])),
                        measured=float(plus[step, unit]),
                        witness={**_witness(case, seed), "step": step + 1, "unit": unit},
                    )


def _still() -> Iterator[Comparison]:
    """Nothing is shown by two methods that stand still: some unit moves in every run."""
    for case in _CONSTANT:
        for seed in _SEEDS:
            found = _trajectory(AMSS, case, Adam, seed)
            still = bool((found == found[0]).all())
            yield Comparison(expected=Fraction(0), measured=Fraction(still), witness=_witness(case, seed))


def _contrasts() -> Iterator[Comparison]:
    for case, optimizer in ((_CONSTANT[0], SGD), (_CONSTANT[1], SGD), (_CHANGING, Adam)):
        for seed in _SEEDS:
            plain, plus = (_trajectory(method, case, optimizer, seed) for method in (AMSS, AMSSPlus))
            gap = Fraction(float((plain - plus).abs().max()))
            yield Comparison(
                expected=Fraction(0), measured=gap, witness={**_witness(case, seed), "optimizer": optimizer.__name__}
            )


def _witness(case: _Case, seed: int) -> dict[str, object]:
    return {"n": case.n, "keep": case.keep, "design": case.design.__name__, "seed": seed, "steps": _STEPS}


CLAIM = Claim(
    id="adam-blind-to-constant-weights",
    statement=r"Under Adam with $\epsilon = 0$, AMSS and AMSS+ with the same draws and inclusion probabilities $\pi_j$ "
    r"that do not change over time have the same trajectory: the weights $1/\pi_j$ cancel. Under SGD, or with "
    r"$\pi$ that changes, they do not.",
    kind=Kind.IDENTITY,
    source=Source(kind="derived", reference="Adam: Kingma and Ba, ICLR 2015", place="proof in this file"),
    assumptions=(POSITIVE_INCLUSION, CONSTANT_INCLUSION),
    expected_status=Status.HOLDS,
    check=check,
)
