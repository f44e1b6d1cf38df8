"""Parameters without sense are refused, with what was found."""

import math

import pytest

from simulations import objectives as o
from simulations.objectives.linear_data import LinearData


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (o.Quadratic, {"spectrum": ()}),
        (o.Quadratic, {"spectrum": (0.0, 0.0)}),
        (o.Quadratic, {"spectrum": (1.0, -1.0)}),
        (o.Quadratic, {"spectrum": (1.0, math.nan)}),
        (o.Quadratic, {"spectrum": (1.0, 2.0), "sizes": (1, 2)}),
        (o.PLSine, {"n": 0}),
        (o.PLSine, {"scales": (1.0, 0.0)}),
        (o.SmoothRastrigin, {"n": 0}),
        (o.SmoothRastrigin, {"curvature": (0.0, 1.0)}),
        (o.SmoothRastrigin, {"amplitude": -1.0}),
        (o.LogisticNonconvex, {"penalty": -1.0}),
        (o.LogisticNonconvex, {"samples": 0}),
        (o.Welsch, {"cutoff": 0.0}),
        (o.Welsch, {"units": (0, 3)}),
        (o.GemanMcClure, {"scales": (1.0, -1.0)}),
        (o.TeacherStudent, {"hidden": 0}),
        (o.TeacherStudent, {"scales": (0.0, 1.0)}),
        (o.HardChain, {"length": 1}),
        (o.HardChain, {"smoothness": 0.0}),
        (o.MatrixFactorisation, {"singular": (1.0, 2.0)}),
        (o.MatrixFactorisation, {"singular": (1.0, 0.0)}),
        (o.MatrixFactorisation, {"singular": (4.0, 3.0, 2.0, 1.0)}),
        (o.MatrixFactorisation, {"imbalance": 0.0}),
        (o.MatrixFactorisation, {"reach": 1.0}),
        (o.PhaseRetrieval, {"reach": 1.0}),
        (o.PhaseRetrieval, {"units": (4,)}),
        (o.InterpolatingLeastSquares, {"ridge": 0.0}),
        (o.InterpolatingLeastSquares, {"first": (0.0, 0.0, 0.0)}),
        (LinearData, {"samples": 3, "units": (1,), "scales": (math.inf,), "seed": 0}),
    ],
)
def test_it_is_refused(kind: type, parameters: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="found"):
        kind(**parameters)
