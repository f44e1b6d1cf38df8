"""The benchmark measures what it says: the same work on fresh gradients, and limits that do their two passes."""

import json
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import nn

from simulations import bench, step_bench


def small_encoders() -> dict[str, nn.Module]:
    return {
        "audio": nn.Conv2d(1, 6, 3),
        "visual": nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Linear(4, 9)),
    }


@pytest.fixture(scope="module")
def result() -> bench.BenchResult:
    return bench.run_bench(repeats=3, encoders=small_encoders())


def test_every_way_is_timed_in_every_repeat(result: bench.BenchResult) -> None:
    assert tuple(result.seconds) == bench.WAYS
    for times in result.seconds.values():
        assert len(times) == 3
        assert min(times) > 0


def test_the_sizes_are_those_of_the_encoders(result: bench.BenchResult) -> None:
    assert result.rows == 6 + 6 + 9
    assert result.masked == 6 * 9 + 6 * 27 + 9 * 4
    assert result.parameters == result.masked + 6 + 6 + 6 + 6 + 9


def test_ratios_are_taken_over_the_limit(result: bench.BenchResult) -> None:
    changed = {bench.LIMIT: [2.0, 1.0, 4.0], "fast path": [3.0, 3.0, 2.0]}
    made = bench.BenchResult(**{**vars(result), "seconds": changed})
    assert made.ratio("fast path") == 2.0 / 1.0
    assert made.median_ratio("fast path") == 3.0 / 2.0  # of 3/2, 3/1, 2/4


def test_both_orders_of_the_limit_give_norms_and_scale_in_place() -> None:
    generator = torch.Generator().manual_seed(0)
    gradients = [torch.randn(4, 3, 2, 2, generator=generator), torch.randn(5, 2, generator=generator)]
    factors = [torch.rand(4, 1, 1, 1, generator=generator), torch.rand(5, 1, generator=generator)]
    for order in (bench.scale_all, bench.scale_each):
        scaled = [gradient.clone() for gradient in gradients]
        norms = order(scaled, factors)
        for gradient, factor, norm, product in zip(gradients, factors, norms, scaled, strict=True):
            squares = gradient.double().square().flatten(1).sum(1)
            # A float32 sum of m squares and a root: relative error at most (m / 2 + 1) unit roundoffs, m <= 12.
            torch.testing.assert_close(norm.double(), squares.sqrt(), rtol=7 * 2.0**-24, atol=0.0)
            assert torch.equal(product, gradient * factor)


def test_every_way_finds_the_gradients_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    encoders = small_encoders()
    found = []

    def note() -> None:
        found.append([parameter.grad.clone() for net in encoders.values() for parameter in net.parameters()])
        for net in encoders.values():
            for parameter in net.parameters():
                parameter.grad.zero_()

    monkeypatch.setattr(bench, "_ways", lambda *_: (note,) * len(bench.WAYS))
    bench.run_bench(repeats=2, encoders=encoders)
    assert len(found) == 3 * len(bench.WAYS)
    for gradients in found:
        assert all(torch.equal(mine, first) for mine, first in zip(gradients, found[0], strict=True))
        assert all(bool((gradient != 0).any()) for gradient in gradients)


def test_the_command_writes_json_and_prints_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "two_resnets", small_encoders)
    monkeypatch.setattr(step_bench, "PAIRS", {"small": small_encoders})
    monkeypatch.setattr(step_bench, "GROWTH", {"tensors": [(1, 2, 3), (2, 2, 3)]})
    console = Console(width=120, record=True, quiet=False, file=open(tmp_path / "shown", "w"))  # noqa: SIM115
    assert bench.bench_command(tmp_path / "results", 2, console) == 0
    console.file.close()
    written = json.loads((tmp_path / "results" / "bench.json").read_text())
    assert written["repeats"] == 2
    assert set(written["summary"]) == set(bench.WAYS)
    assert {"torch", "threads", "cpu", "date", "parameters"} <= set(written)
    step = json.loads((tmp_path / "results" / "bench-step-cpu.json").read_text())
    assert list(step["pairs"]) == ["two ResNet-18", "small"]
    assert step["training"] == {}
    shown = (tmp_path / "shown").read_text()
    for way in bench.WAYS:
        assert way in shown


def test_results_that_cannot_be_written_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "run_bench", lambda repeats, threads: pytest.fail("it went to work"))
    (tmp_path / "results").write_text("a file stands in the way")
    assert bench.bench_command(tmp_path / "results", 20) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == f"cannot write to {tmp_path}/results/: it is a file, not a folder\n"


def test_numbers_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="repeats must be at least 1, found repeats=0"):
        bench.run_bench(repeats=0)
    with pytest.raises(ValueError, match="threads must be at least 1, found threads=0"):
        bench.run_bench(threads=0)


def test_the_threads_are_those_asked_for_and_given_back() -> None:
    before = torch.get_num_threads()
    assert bench.run_bench(repeats=1, encoders=small_encoders(), threads=before + 1).threads == before + 1
    assert torch.get_num_threads() == before
