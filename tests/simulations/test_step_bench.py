"""The bench of the masked step over models: shapes, the loop that it is compared with, and all but a GPU's clock."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from amss_min import heads, rows
from amss_min.plan import blocks_of
from simulations import bench, released_loop, step_bench
from simulations.multimodal.resnet import ResNet18
from simulations.released_loop import Sizes, mask_each
from simulations.step_models import LARGE, PAIRS, parameters, resnet, transformer


def small() -> dict[str, object]:
    return {"audio": resnet(18, 1)[:3], "text": transformer(64, 1)}


def result(**changed: object) -> bench.BenchResult:
    made = bench.run_bench(repeats=1, encoders=small())  # type: ignore[arg-type]
    return bench.BenchResult(**{**vars(made), **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_resnet_by_its_shapes_has_the_parameters_of_the_network(channels: int) -> None:
    network = sorted(tuple(parameter.shape) for parameter in ResNet18(channels).parameters())
    assert sorted(tuple(parameter.shape) for parameter in parameters(resnet(18, channels))) == network
    found = [block.units.n for block in blocks_of({"one": resnet(18, channels)})]
    assert sorted(found) == sorted(block.units.n for block in blocks_of({"one": ResNet18(channels)}))


def test_models_have_the_sizes_of_their_names() -> None:
    size = {name: sum(p.numel() for e in make().values() for p in parameters(e)) for name, make in PAIRS.items()}
    # torchvision's resnet50 has 25,557,032 with a last layer of 2,049,000; transformers' BertModel has 109,482,240 with
    # a pooler of 590,592. An encoder of one channel lacks two thirds of 64 filters of 3 x 7 x 7.
    one_channel = 64 * 2 * 49
    assert size["two ResNet-50"] == 2 * 23_508_032 - one_channel
    assert size["BERT and ResNet-50"] == 109_482_240 - 590_592 + 23_508_032
    with torch.device("meta"):
        large = sum(p.numel() for e in LARGE["two transformers"]().values() for p in parameters(e))
    assert 345e6 < large < 355e6


@pytest.mark.parametrize("sizes", ["gn", "sqrt_gn", "gn_wn"])
@pytest.mark.parametrize("plus", [True, False])
def test_the_loop_masks_as_its_equations_say(plus: bool, sizes: Sizes) -> None:
    generator = torch.Generator().manual_seed(0)
    filters, query = (nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((6, 2, 3, 3), (8, 8)))
    blocks = blocks_of({"one": [rows(filters), heads(query, 4, axis=1)]})
    for parameter in (filters, query):
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    before = [filters.grad.clone(), query.grad.clone()]
    mask_each(blocks, 0.5, generator, plus=plus, sizes=sizes)
    units = [filters.grad.flatten(1), query.grad.T.reshape(4, 16)]
    gradients = [before[0].flatten(1), before[1].T.reshape(4, 16)]
    weights = [filters.detach().flatten(1), query.detach().T.reshape(4, 16)]
    for unit, was, own in zip(units, gradients, weights, strict=True):
        n = len(unit)
        kept = (unit != 0).any(1)
        assert int(kept.sum()) == n // 2
        energy = was.double().square().sum(1)
        size = {"gn": energy, "sqrt_gn": energy.sqrt(), "gn_wn": energy / own.double().square().sum(1)}[sizes]
        weight = 1 / (size / size.sum() + 1 / n) if plus else torch.ones(n)
        # A float32 sum of m squares twice, a few more roundings: relative error below (2 m + 8) roundings, m = 18.
        torch.testing.assert_close(unit[kept], (was * weight[:, None]).float()[kept], rtol=44 * 2.0**-24, atol=0.0)


def test_squares_that_are_not_used_change_nothing_and_are_computed_as_in_a_training_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded: list[bool] = []
    sums = released_loop._sums

    def noted(squares: torch.Tensor, inner: list[int]) -> torch.Tensor:
        recorded.append(squares.requires_grad)
        return sums(squares, inner)

    monkeypatch.setattr(released_loop, "_sums", noted)
    masked = []
    for squares in (True, False):
        generator = torch.Generator().manual_seed(0)
        filters = nn.Parameter(torch.randn(6, 2, 3, 3, generator=generator))
        filters.grad = torch.randn(filters.shape, generator=generator)
        with torch.no_grad():
            mask_each(blocks_of({"one": [filters]}), 0.5, generator, unused_squares=squares)
        masked.append(filters.grad)
    assert torch.equal(*masked)
    assert recorded == [False, True, False]  # of the gradient, of the parameter; of the gradient alone


def test_slow_ways_may_be_timed_less_often_and_fast_ones_alone() -> None:
    made = bench.run_bench(3, small(), most={bench.REFERENCE: 1})  # type: ignore[arg-type]
    assert {way: len(times) for way, times in made.seconds.items()} == {
        way: 1 if way == bench.REFERENCE else 3 for way in bench.WAYS
    }
    assert made.median_ratio(bench.REFERENCE) > 0
    assert tuple(bench.run_bench(1, small(), ways=(bench.FAST, bench.LIMIT)).seconds) == (bench.FAST, bench.LIMIT)  # type: ignore[arg-type]


def test_times_of_one_thread_are_processor_time() -> None:
    before = torch.get_num_threads()
    assert result().clock == "processor time of the thread"
    made = bench.run_bench(1, small(), threads=2)  # type: ignore[arg-type]
    assert (made.clock, torch.get_num_threads()) == ("wall time", before)


def test_the_record_holds_ratios_growth_and_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_bench, "PAIRS", {"at hand": small, "small": small})
    monkeypatch.setattr(step_bench, "LARGE", {"large": small})
    monkeypatch.setattr(step_bench, "GROWTH", {"parameters": [(2, 4, 3), (2, 4, 6)], "tensors": [(1, 4, 3), (2, 4, 3)]})
    at_hand = result(seconds={way: [2.0] for way in bench.WAYS} | {bench.FAST: [0.5], bench.RELEASED: [3.0]})
    made = step_bench.run_step_bench(1, {"at hand": at_hand}, large=True)
    assert list(made.pairs) == ["at hand", "small", "large"]
    assert [[size for size, _, _ in made.growth[axis]] for axis in made.growth] == [[24, 48], [1, 2]]
    assert made.training == {}
    shared = step_bench.StepBench(
        pairs=made.pairs,
        growth={"tensors": [(1, 1.0, 1.0), (4, 2.0, 1.0)]},
        training={"training step": 4.0, "masked step": 0.1},
    )
    written = json.loads(json.dumps(shared.as_json(), allow_nan=False))
    assert written["training"]["share"] == 0.1 / 4.0
    assert written["pairs"]["at hand"]["loop_over_fast_path"] == 2.0 / 0.5
    assert written["pairs"]["at hand"]["released_loop_over_fast_path"] == 3.0 / 0.5
    assert written["exponents"] == {"tensors": 0.5}
    assert [len(table.rows) for table in shared.tables()] == [len(bench.WAYS) + 2, 1, 1]
    assert len(made.tables()) == 2


def test_the_share_of_a_training_step_is_measured_around_the_masked_step(monkeypatch: pytest.MonkeyPatch) -> None:
    around: list[str] = []

    @contextmanager
    def noted(device: str) -> Iterator[None]:
        around.append(device)
        yield

    def encoder(channels: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(channels, 4, 3), nn.Flatten(), nn.LazyLinear(5))

    monkeypatch.setattr(step_bench, "never_waiting", noted)
    shapes = {"visual": (3, 6, 6), "audio": (1, 5, 5)}
    torch.manual_seed(0)
    found = step_bench.training_share(2, "cpu", shapes=shapes, batch=3, encoder=encoder)
    assert list(found) == ["training step", "masked step"]
    assert min(found.values()) > 0
    assert around == ["cpu"]


def test_waiting_is_an_error_around_the_masked_step_on_a_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[str] = []
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", modes.append)
    with step_bench.never_waiting("cpu"):
        assert modes == []
    with pytest.raises(RuntimeError, match="waited"), step_bench.never_waiting("cuda"):
        assert modes == ["error"]
        raise RuntimeError("waited")
    assert modes == ["error", "default"]
