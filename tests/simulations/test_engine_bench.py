"""The engine's benchmark compares like with like, and prints ratios of times of the same run."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from simulations import compiled, engine_bench
from simulations.engine import simulate
from simulations.engine_bench import ADDITION, COMPILED, ENGINE, LIMIT, LOOPS, NOISE, EngineBench
from simulations.noise import Gaussian
from simulations.objectives import IsotropicQuadratic
from simulations.plain_loop import plain_run, water_filled
from theory.inference import t_interval

ALPHA = 1e-10


@pytest.fixture(scope="module")
def result() -> EngineBench:
    patch = pytest.MonkeyPatch()
    patch.setattr(engine_bench, "AXES", {"d": (4, 8, 16), "steps": (2, 4, 8)})
    patch.setattr(
        engine_bench, "_processes", lambda done: {"two copies": 2.0, "pool of two": 1.9, "pool over copies": 0.95}
    )
    done: list[int] = []
    try:
        return engine_bench.run_engine_bench(1, replicates=20, done=lambda: done.append(1))
    finally:
        patch.undo()


def test_every_way_is_timed_in_both_types(result: EngineBench) -> None:
    assert set(result.seconds) == {"float32", "float64"}
    for kind, times in result.seconds.items():
        loops = set(LOOPS) if kind == "float64" else set()
        built = {COMPILED} if compiled.available() else set()
        assert set(times) == {LIMIT, NOISE, ADDITION, *ENGINE, *loops, *built}
        assert all(0 < seconds < math.inf for seconds in times.values())


def test_ratios_are_quotients_of_speeds(result: EngineBench) -> None:
    seconds = {
        "float64": {
            LIMIT: 2.0,
            NOISE: 1.6,
            ADDITION: 1.0,
            "engine, by norm, random order": 8.0,
            "NumPy loop, by norm, fixed order": 80.0,
        }
    }
    made = replace(result, seconds=seconds, scaling={"d": [(1, 1.0), (2, 2.5), (4, 8.0)]})
    assert made.to_limit("float64", "engine, by norm, random order") == 0.25
    assert made.to_loop("float64", "engine, by norm, random order") == 10.0
    assert made.to_loop("float64", LIMIT) is None
    assert made.noise_to_loop("float64", "NumPy loop, by norm, fixed order") == 50.0
    assert made.noise_to_loop("float64", "NumPy loop, uniform, fixed order") is None
    assert made.noise_to_loop("float32", "NumPy loop, by norm, fixed order") is None
    assert made.exponents == {"d": 1.5}


def test_the_record_and_the_tables_hold_them(result: EngineBench) -> None:
    record = result.as_json()
    assert record["ratios"]["float32"][LIMIT]["to_limit"] == 1.0
    assert {"exponents", "torch", "device", "date", "processes"} <= set(record)
    assert record["noise_to_loop"] == {
        kind: {loop: result.noise_to_loop(kind, loop) for loop in LOOPS} for kind in ("float32", "float64")
    }
    assert [table.row_count for table in result.tables()] == [sum(map(len, result.seconds.values())), 4, 2, 1]


def test_the_table_of_what_noise_leaves_is_there_where_loops_are(result: EngineBench) -> None:
    """A thirtieth of 60 ns is 2 ns: beside 1.5 ns of noise half a nanosecond is left, beside 2.5 ns nothing."""
    loops = dict.fromkeys(LOOPS, 60e-9)
    seconds = {"float32": {LIMIT: 1e-9, NOISE: 1.5e-9}, "float64": {LIMIT: 1e-9, NOISE: 2.5e-9, **loops}}
    made = replace(result, seconds=seconds, processes={})
    assert len(made.tables()) == 3
    columns = [list(column.cells) for column in made.tables()[1].columns]
    assert columns[2:] == [["40.0", "40.0", "24.0", "24.0"], ["0.50", "0.50", "none", "none"]]
    on_a_gpu = replace(made, seconds={kind: {LIMIT: 1.0, NOISE: 1.0} for kind in seconds})
    assert len(on_a_gpu.tables()) == 2


def test_the_loop_does_what_the_engine_does() -> None:
    """Both averages of the loop against the engine's, over 256 runs of 20 steps."""
    d, k, steps, count = 6, 3, 20, 256
    for by_norm, way in ((False, "engine, uniform, fixed order"), (True, "engine, by norm, fixed order")):
        loop = np.array([plain_run(steps, d, k, by_norm=by_norm, seed=seed, stepsize=0.1)[0] for seed in range(count)])
        trace = simulate(
            IsotropicQuadratic(n=d),
            Gaussian(d, total=float(d)),
            ENGINE[way],
            start=[1.0] * d,
            stepsize=0.1,
            checkpoints=[steps],
            replicates=range(4096),
            keep=k / d,
        )
        slow, fast = t_interval(loop, ALPHA), t_interval(trace.average[:, 0].numpy(), ALPHA)
        assert abs(slow.mean - fast.mean) <= slow.half + fast.half


def test_the_loops_probabilities_are_capped_at_one() -> None:
    pi = water_filled(np.array([10.0, 3.0, 1.0, 1.0]), 3)
    assert pi.tolist() == pytest.approx([1.0, 1.0, 0.5, 0.5], rel=2.0**-50)


def test_repeats_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="repeats must be at least 1, found repeats=0"):
        engine_bench.run_engine_bench(0)
    assert torch.get_num_threads() >= 1
