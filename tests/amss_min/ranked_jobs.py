"""What the tests of several ranks run on each of them; importable, so that spawned processes find it."""

from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from amss_min import AMSS, AMSSPlus, MutualInformationRate, columns, unimodal_logits, weights
from amss_min.testing import CheckResult
from tests.amss_min.nets import Net, batch
from tests.amss_min.replicas import Inflated, Path, Replicas, check

KEEPS: dict[str, Any] = {
    "fixed": 0.5,
    "rate": MutualInformationRate(),
    "smoothed": MutualInformationRate(smoothing=0.7),
}


class WithFeatures(nn.Module):
    """Logits and features of one forward pass, which is what DistributedDataParallel wants."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        features = self.net.features(x)
        parts = unimodal_logits(self.net.head, features)
        return self.net.head(torch.cat(list(features.values()), -1)), parts, features


def trained(rank: int, cases: list[tuple[type[AMSS], str, dict[str, Any]]], steps: int) -> list[dict[str, Any]]:
    """Masked training with DistributedDataParallel, every rank seeded differently and with data of its own."""
    return [_trained(rank, steps, kind, KEEPS[keep], options) for kind, keep, options in cases]


def _trained(rank: int, steps: int, kind: type[AMSS], keep: Any, options: dict[str, Any]) -> dict[str, Any]:
    torch.manual_seed(100 + rank)  # as in seed + rank, which gives the ranks different default generators
    net = Net()
    model = DistributedDataParallel(WithFeatures(net))  # weights of rank 0
    amss = kind(net.modalities(), keep=keep, **options)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    amss.attach(optimizer)
    seeds = amss.generator.initial_seed()
    fractions, dropped = [], 0
    for step in range(steps):
        for micro in range(2):
            x, y = batch(1000 * step + 10 * micro + rank)
            with model.no_sync() if micro == 0 else torch.enable_grad():
                logits, parts, features = model(x)
                amss.observe(logits=parts, features=features, target=y)
                nn.functional.cross_entropy(logits, y).backward()
        optimizer.step()
        assert amss.report is not None
        fractions.append(list(amss.report.keep.values()))
        dropped += sum(entry.fraction < 1 for entry in amss.report.tensors)
        optimizer.zero_grad()
    state = amss.state_dict()
    return {
        "parameters": [p.detach() for p in net.parameters()],
        "fractions": fractions,
        "dropped": dropped,
        "seed": seeds,
        "generator": state["generator"],
        "observed": state["observed"],
    }


class Mixed(nn.Module):
    """Layers with units of every kind."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(5, 9), nn.Linear(9, 8)
        self.attention = nn.MultiheadAttention(8, 4, batch_first=True)
        self.up, self.head = nn.ConvTranspose1d(2, 5, 4), nn.Linear(25, 3)

    def forward(self, x: Tensor) -> Tensor:
        z = self.second(torch.tanh(self.first(x))).unsqueeze(1)
        z = self.attention(z, z, z)[0].reshape(len(x), 2, 4)
        logits: Tensor = self.head(self.up(z).flatten(1)[:, :25])
        return logits

    def modalities(self) -> dict[str, list[Any]]:
        return {
            "a": [self.first, weights(self.second.weight)],
            "b": [self.attention, self.up, columns(self.head.weight, 0, 12)],
        }


def shard(net: nn.Module) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    fully_shard(net, mesh=init_device_mesh("cpu", (distributed.get_world_size(),)))


def sharded_and_whole(rank: int, kinds: list[type[AMSS]]) -> list[float]:
    """The largest difference of a parameter trained in shards from the same one trained whole, by kind of mask."""
    return [_largest_difference(rank, kind) for kind in kinds]


def _largest_difference(rank: int, kind: type[AMSS]) -> float:
    ends = []
    for sharded in (False, True):
        torch.manual_seed(0)
        net = Mixed().double()
        if sharded:
            shard(net)
        amss = kind(net.modalities(), keep=0.5, generator=torch.Generator().manual_seed(rank))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        amss.attach(optimizer)
        for step in range(5):
            x = torch.randn(4, 5, generator=torch.Generator().manual_seed(step), dtype=torch.float64)
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
            assert amss.report is not None
            assert amss.report.nonfinite == []
        ends.append([p.full_tensor() if isinstance(p, DTensor) else p.detach() for p in net.parameters()])
    return max(float((a - b).abs().max()) for a, b in zip(*ends, strict=True))


def refusals_of_shards(rank: int) -> list[str]:
    """What is said of shards where masks are of the update, and of sharding after the modalities were named."""
    net, said = nn.Sequential(nn.Linear(5, 9), nn.Linear(9, 4)), []
    amss = AMSSPlus({"a": net}, keep=0.5)
    shard(net)
    try:
        amss.attach(torch.optim.SGD(net.parameters(), lr=0.1))
    except ValueError as error:
        said.append(str(error))
    for masks in ("update", "gradient"):
        try:
            AMSSPlus({"a": net}, keep=0.5, masks=masks)
        except TypeError as error:
            said.append(str(error))
    return said


def unbiased(rank: int, planted: bool) -> CheckResult:
    """The sequential test of a whole step of two ranks, in step on both: each has half of the batch."""
    halves = slice(8 * rank, 8 * rank + 8)

    def step(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        net(halves).backward()
        optimizer.step()

    options = {"weighting": Inflated()} if planted else {}
    return check(Path(step, wrapped=lambda net: DistributedDataParallel(net), net=Replicas(), **options))
