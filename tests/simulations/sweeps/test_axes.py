"""Axes: what varies, and what is refused."""

import itertools
import math
from typing import Any

import pytest

from amss_min.testing.loading import BadInput
from simulations.audit import UnknownName
from simulations.sweeps.axes import axis, placed, points, size


def test_paths_of_one_axis_vary_together_and_axes_multiply() -> None:
    grid = [axis({"a": [1, 2, 3], "b": [4, 5, 6]}, 1), axis({"c": [7, 8]}, 2)]
    expected = [{"a": a, "b": b, "c": c} for (a, b), c in itertools.product([(1, 4), (2, 5), (3, 6)], [7, 8])]
    assert list(points(grid)) == expected
    assert size(grid) == 6
    assert list(points([])) == [{}]


def test_log_spaced_values_have_one_quotient_and_both_ends() -> None:
    values = axis({"x": {"log": [0.02, 0.5], "points": 9}}, 1)["x"]
    assert (values[0], values[-1]) == (0.02, 0.5)
    steps = [math.log(after / before) for before, after in itertools.pairwise(values)]
    # twelve digits are kept of each value, so a quotient is off by 1e-12 at most twice
    assert max(steps) - min(steps) < 4e-12


def test_linear_values_are_evenly_spaced() -> None:
    assert axis({"x": {"linear": [1, 4], "points": 4}}, 1)["x"] == [1, 2, 3, 4]
    assert axis({"x": {"log": [10, 1000], "points": 3, "integers": True}}, 1)["x"] == [10, 100, 1000]


def test_random_values_depend_on_seed_and_path_and_lie_between_the_ends() -> None:
    law = {"log-uniform": [0.1, 10.0], "points": 50}
    first, again, other = (axis({"x": {**law, "seed": seed}}, 1)["x"] for seed in (1, 1, 2))
    assert first == again != other
    assert axis({"y": {**law, "seed": 1}}, 1)["y"] != first
    assert all(0.1 <= value <= 10 for value in first)
    assert len(set(first)) == 50


def test_dotted_paths_may_be_written_as_nested_tables() -> None:
    assert axis({"noise": {"p": [0.1]}, "keep": [1.0]}, 1) == {"noise.p": [0.1], "keep": [1.0]}
    assert axis({"noise": {"p": {"log": [1, 1], "points": 1}}}, 1) == {"noise.p": [1.0]}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({}, "axis 3 must vary something"),
        ({"a": []}, "axis 3, a: at least one value is needed, found none"),
        ({"a": [1, 2], "b": [1]}, "need as many values each, found a with 2, b with 1"),
        ({"a": 5}, "a list of values or a table"),
        ({"a": {"points": 5}}, "one of linear, log, uniform, log-uniform is needed, found none"),
        ({"a": {"log": [1, 2], "linear": [1, 2], "points": 5}}, "found linear and log"),
        ({"a": {"log": [0, 2], "points": 5}}, "log needs ends > 0"),
        ({"a": {"log": [1], "points": 5}}, "log needs its two ends"),
        ({"a": {"log": [1, 2]}}, "points must be a number of values, at least 1, found None"),
        ({"a": {"log": [1, 2], "points": 0}}, "found 0"),
        ({"a": {"log": [1, math.inf], "points": 3}}, "two ends"),
    ],
)
def test_what_cannot_vary_is_refused(table: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match="axis 3") as error:
        axis(table, 3)
    assert told in str(error.value)


def test_a_mistyped_law_is_refused_with_the_close_ones() -> None:
    with pytest.raises(UnknownName, match="did you mean 'points'"):
        axis({"a": {"log": [1, 2], "point": 5, "points": 3}}, 1)


def test_a_path_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(BadInput, match="must be a number below 2"):
        placed({"keep": [0.1, 0.2]}, "keep.2", 1)
    with pytest.raises(BadInput, match="must lie in a table or a list, found 3"):
        placed({"keep": 3}, "keep.a", 1)


def test_placing_leaves_the_original_alone() -> None:
    before = {"a": {"b": [1, 2]}}
    assert placed(before, "a.b.0", 9) == {"a": {"b": [9, 2]}}
    assert before == {"a": {"b": [1, 2]}}
