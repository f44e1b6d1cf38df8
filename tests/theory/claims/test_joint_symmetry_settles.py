"""AMSS stays at its wrong point and leaves the optimum; other sizes are told apart."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from torch import Tensor

from amss_min.designs import Draw, Successive
from amss_min.testing import Evidence, Status
from simulations.experiments import Cell
from simulations.experiments.joint_symmetry_settles import JOINT_SYMMETRY_SETTLES
from simulations.methods import METHODS
from simulations.noise import TwoPoint
from simulations.noise.one_large import OneLarge
from theory.claims.joint_symmetry_settles import CLAIM, SETTLING
from theory.measurement import Measurement

SETTLED, REPELLED = JOINT_SYMMETRY_SETTLES.quick or ()
CELLS = [replace(SETTLED, checkpoints=(1, 120)), replace(REPELLED, checkpoints=(1, 250))]


def evidence(change: Callable[[Cell], Cell] = lambda cell: cell) -> list[Evidence]:
    return list(CLAIM.verify(Measurement(runs=[change(cell).run() for cell in CELLS])).evidence)


def refuted(found: list[Evidence]) -> list[str]:
    return [item.what.split(":")[0] for item in found if item.status is Status.REFUTED]


def short(cell: Cell) -> Cell:
    return replace(cell, checkpoints=(1, 120))


def test_production_is_consistent_with_it() -> None:
    assert [item.status for item in evidence()] == [Status.CONSISTENT] * 2


def test_the_known_values() -> None:
    assert f"{SETTLING.place:.4f} {SETTLING.floor:.2f} {SETTLING.energy(0.02):.2f}" == "0.1755 3.11 2.93"


@pytest.mark.parametrize("power", [0.0, 0.5])
def test_sizes_other_than_the_energy_refute_it(monkeypatch: pytest.MonkeyPatch, power: float) -> None:
    honest = Successive.select

    def flatter(self: Successive, p: Tensor, k: int, bits: Tensor) -> Draw:
        return honest(self, p**power, k, bits)

    monkeypatch.setattr(Successive, "select", flatter)
    assert len(refuted(evidence(short))) == 2


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda cell: replace(cell, start=0.1), "from the fixed point and from the optimum"),
        (lambda cell: replace(cell, noise=OneLarge(101, small=0.2)), "the noise must be one large"),
        (lambda cell: replace(cell, noise=TwoPoint((0.1,) * 101, (0.1,) * 101)), "the noise must be one large"),
        (lambda cell: replace(cell, keep=2 / 101), "the claim is about AMSS"),
        (lambda cell: replace(cell, method=METHODS["amss+"]), "the claim is about AMSS"),
    ],
)
def test_it_refuses_other_instances(change: Callable[[Cell], Cell], finding: str) -> None:
    (item,) = evidence(lambda cell: replace(change(cell), checkpoints=(1, 2)))
    assert item.status is Status.INCONCLUSIVE
    assert finding in str(item.measured)
