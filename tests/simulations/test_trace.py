"""The recorder keeps what its docstring says, and checkpoints are increasing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simulations.trace import Recorder, log_spaced


def test_averages_run_over_the_steps_before_the_checkpoint() -> None:
    iterates = [torch.tensor([[float(t), -2.0 * t]], dtype=torch.float64) for t in range(4)]
    recorder, weights = Recorder([1, 3], iterates[0]), [4.0, 2.0, 1.0]
    for t, w in enumerate(iterates):
        if t in (1, 3):
            recorder.keep(t, w, 2 * w, w.sum(-1), sum(weights[:t]))
        if t < 3:
            recorder.add(w, 2 * w, weights[t])
    trace = recorder.trace()
    energies = [20.0 * t * t for t in range(4)]
    assert trace.squared_gradient.tolist() == [[energies[1], energies[3]]]
    assert trace.average.tolist() == [[energies[0], sum(energies[:3]) / 3]]
    assert trace.weighted.tolist() == [[energies[0], (2 * energies[1] + energies[2]) / 7]]
    assert trace.value.tolist() == [[-1.0, -3.0]]
    assert trace.iterate.tolist() == [[[1.0, -2.0], [3.0, -6.0]]]
    assert trace.average_iterate.tolist() == [[[0.0, 0.0], [1.0, -2.0]]]


def test_without_weights_the_weighted_average_is_the_average() -> None:
    w = torch.ones(2, 3, dtype=torch.float64)
    recorder = Recorder([1], w)
    recorder.add(w, w, None)
    recorder.keep(1, w, w, w.sum(-1), None)
    trace = recorder.trace()
    assert torch.equal(trace.weighted, trace.average)
    assert trace.replicates(slice(1, 2)).average.tolist() == [[3.0]]
    assert trace.quantiles([0.5]).tolist() == [[3.0]]


@pytest.mark.parametrize("checkpoints", [[], [0, 1], [2, 1], [1, 1]])
def test_checkpoints_without_sense_are_refused(checkpoints: list[int]) -> None:
    with pytest.raises(ValueError, match="increasing step numbers"):
        Recorder(checkpoints, torch.zeros(1, 1))


@given(st.integers(1, 10**6), st.integers(1, 8))
def test_log_spaced_checkpoints_increase_from_one_to_the_last(last: int, per_doubling: int) -> None:
    found = log_spaced(last, per_doubling)
    assert found[0] == 1
    assert found[-1] == last
    assert list(found) == sorted(set(found))


@pytest.mark.parametrize(("last", "per_doubling"), [(0, 1), (4, 0)])
def test_log_spaced_refuses_nothing_to_space(last: int, per_doubling: int) -> None:
    with pytest.raises(ValueError, match="log_spaced needs"):
        log_spaced(last, per_doubling)
