import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simulations.multimodal.summary import Interval, summary, t_interval


def run(method: str, seed: int, accuracy: float) -> dict[str, Any]:
    return {
        "method": method,
        "seed": seed,
        "test": {
            "metrics": {"accuracy": accuracy, "macro_f1": accuracy / 2},
            "modality": {"audio": accuracy / 4},
            "shapley": {"audio": accuracy / 8},
        },
        "validation": {"metrics": {"accuracy": 1.0}},
    }


def test_two_values_by_hand() -> None:
    # One degree of freedom is the Cauchy law, whose quantile is tan(pi (p - 1/2)).
    found = t_interval([0.0, 1.0], 0.95)
    half = math.tan(math.pi * 0.475) * math.sqrt(0.5) / math.sqrt(2)
    assert found.mean == 0.5 and found.low is not None and found.high is not None
    # 2^-40 is 2^12 roundings, for a quantile of which no error is documented; the least slip (n for n - 1 degrees of
    # freedom, or in the divisor) moves the half width by more than a tenth.
    assert abs(found.high - (0.5 + half)) <= 2.0**-40 * half
    assert abs(found.low - (0.5 - half)) <= 2.0**-40 * half


@given(values=st.lists(st.integers(0, 277), min_size=2, max_size=20), percent=st.sampled_from([80, 95, 99]))
def test_the_interval_is_that_of_the_t_test(values: list[int], percent: int) -> None:
    shares = [value / 277 for value in values]
    found = t_interval(shares, percent / 100)
    if len(set(values)) == 1:
        # The mean of equal values is correct to a rounding, which is all the deviation there is.
        assert found.deviation is not None and found.deviation <= 2.0**-51
        return
    expected = stats.ttest_1samp(shares, 0.0).confidence_interval(percent / 100)
    assert found.low is not None and found.high is not None
    # Both round a few sums of at most 20 values in [0, 1]; the width is at most 64 t-quantiles of 1: 2^-40 covers
    # 20 * 64 roundings of 2^-53 and a quantile that is off in its last digits.
    assert abs(found.low - float(expected.low)) <= 2.0**-40
    assert abs(found.high - float(expected.high)) <= 2.0**-40


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    assert t_interval([0.25], 0.95) == Interval(0.25, None, None, None, 1)
    assert t_interval([], 0.95) == Interval(None, None, None, None, 0)
    assert [str(t_interval(values, 0.95)) for values in ([], [0.25])] == ["no run", "0.250"]


def test_differences_are_taken_seed_by_seed() -> None:
    runs = [run("joint", 0, 0.5), run("joint", 1, 0.75), run("amss", 1, 1.0), run("amss", 0, 0.75), run("amss", 2, 0.0)]
    found = summary(runs, ["joint", "amss"], 0.95)
    assert found["methods"]["joint"]["accuracy"]["mean"] == 0.625
    assert found["methods"]["amss"]["accuracy"]["n"] == 3
    # Seed 2 has no joint run: it counts for amss and not for the difference.
    assert found["difference_to_joint"]["amss"]["accuracy"] == {
        "mean": 0.25,
        "low": 0.25,
        "high": 0.25,
        "deviation": 0.0,
        "n": 2,
    }
    assert found["difference_to_joint"]["amss"]["alone_audio"]["mean"] == 0.0625
    assert "joint" not in found["difference_to_joint"]


def test_a_method_without_a_run_is_counted_as_none() -> None:
    found = summary([run("joint", 0, 0.5)], ["joint", "amss"], 0.95)
    assert found["methods"]["amss"]["accuracy"]["n"] == 0
    assert found["difference_to_joint"]["amss"]["accuracy"]["mean"] is None


def test_without_joint_there_are_no_differences() -> None:
    assert summary([run("amss", 0, 0.5)], ["amss"], 0.95)["difference_to_joint"] == {}


def test_the_assumption_is_stated() -> None:
    assert "normal" in summary([], ["joint"], 0.95)["assumption"]
