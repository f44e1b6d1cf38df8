import math

import numpy as np
import pytest
from scipy import stats

from simulations.multimodal.paired import Difference, differences, lower_bound


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_interval_is_never_narrower_than_bonferroni() -> None:
    values = {"a": [0.1, 0.0, 0.2, 0.15, 0.05], "b": [-0.1, 0.3, 0.0, 0.1, -0.2]}
    found = differences(values, 0.95, 4000, rng())
    for name, row in values.items():
        error = np.std(row, ddof=1) / math.sqrt(5)
        half = stats.t.ppf(1 - 0.05 / 4, 4) * error
        # Two roundings of quantities below 1 on either side.
        assert found[name].high - found[name].mean >= half - 2.0**-50
        assert found[name].mean == np.mean(row)


def test_more_comparisons_widen_every_interval() -> None:
    row = [0.1, 0.0, 0.2, 0.15, 0.05, 0.12, 0.07, 0.2]
    alone = differences({"a": row}, 0.95, 4000, rng())["a"]
    together = differences({"a": row, **{str(i): list(np.roll(row, i)) for i in range(1, 6)}}, 0.95, 4000, rng())["a"]
    assert together.high > alone.high


def test_the_intervals_cover_together() -> None:
    # 400 tables of five independent comparisons, ten normal differences each, true mean 0. Under simultaneous coverage
    # of at least .95 the number of tables with any miss is at most binomial(400, .05): above 61 with probability 1e-14.
    draws = np.random.default_rng(1).normal(size=(400, 5, 10))
    missed = 0
    for table in draws:
        found = differences({str(i): list(row) for i, row in enumerate(table)}, 0.95, 1000, rng())
        missed += any(item.low > 0 or item.high < 0 for item in found.values())
    assert missed <= int(stats.binom.isf(1e-12, 400, 0.05))


def test_equal_differences_leave_no_doubt_and_one_seed_leaves_all() -> None:
    assert differences({"a": [0.1, 0.1, 0.1]}, 0.95, 1000, rng())["a"].high == np.mean([0.1] * 3)
    one = differences({"a": [0.1]}, 0.95, 1000, rng())["a"]
    assert (one.low, one.high, one.n) == (-math.inf, math.inf, 1)
    assert differences({}, 0.95, 1000, rng()) == {}


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="the same seeds"):
        differences({"a": [0.1], "b": [0.1, 0.2]}, 0.95, 1000, rng())


@pytest.mark.parametrize(
    ("low", "high", "finding"),
    [
        (0.01, 0.03, "helps, by at least 0.010"),
        (-0.03, -0.01, "harms, by at least 0.010"),
        (-0.01, 0.03, "no difference seen, differences above 0.030 excluded"),
    ],
)
def test_findings_in_words(low: float, high: float, finding: str) -> None:
    assert Difference((low + high) / 2, low, high, 5).finding == finding


def test_the_lower_bound_is_that_of_the_one_sided_t_test() -> None:
    values = [0.01, 0.03, -0.02, 0.05]
    expected = stats.ttest_1samp(values, 0.0, alternative="greater").confidence_interval(0.95).low
    # Both round sums of four values below 1: 2^-45 is 256 roundings, and the quantile is the same call.
    assert abs(lower_bound(values, 0.95) - float(expected)) <= 2.0**-45
    assert lower_bound([0.1], 0.95) == -math.inf
