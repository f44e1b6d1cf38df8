"""Small two-modality networks with gradients, for the tests of the masked step."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from amss_min import AMSS, AMSSPlus, MutualInformationRate, split_head, unimodal_logits


class Net(nn.Module):
    """Two encoders and a linear head on their concatenated features."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.audio = nn.Sequential(nn.Linear(5, 12, dtype=dtype), nn.Tanh(), nn.Linear(12, 6, dtype=dtype))
        self.video = nn.Sequential(nn.Linear(4, 10, dtype=dtype), nn.Tanh(), nn.Linear(10, 4, dtype=dtype))
        self.head = nn.Linear(10, 3, dtype=dtype)

    def features(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"audio": self.audio(x["audio"]), "video": self.video(x["video"])}

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        logits: Tensor = self.head(torch.cat(list(self.features(x).values()), -1))
        return logits

    def modalities(self) -> dict[str, list[object]]:
        columns = split_head(self.head, {"audio": 6, "video": 4})
        return {"audio": [self.audio, columns["audio"]], "video": [self.video, columns["video"]]}


def batch(seed: int = 0, size: int = 16, dtype: torch.dtype = torch.float64) -> tuple[dict[str, Tensor], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = {
        "audio": torch.randn(size, 5, dtype=dtype, generator=generator),
        "video": torch.randn(size, 4, dtype=dtype, generator=generator),
    }
    return x, torch.randint(3, (size,), generator=generator)


def with_gradients(seed: int = 0, dtype: torch.dtype = torch.float64) -> Net:
    torch.manual_seed(seed)
    net = Net(dtype)
    x, y = batch(seed, dtype=dtype)
    nn.functional.cross_entropy(net(x), y).backward()
    return net


def observe(amss: AMSS, net: Net, x: dict[str, Tensor], y: Tensor) -> None:
    features = net.features(x)
    amss.observe(logits=unimodal_logits(net.head, features), features=features, target=y)


def train(
    net: Net,
    make_optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    steps: range,
    amss: AMSS,
    optimizer: torch.optim.Optimizer | None = None,
) -> torch.optim.Optimizer:
    """Steps of masked training; the batches are those of the step numbers."""
    if optimizer is None:
        optimizer = make_optimizer(net)
    if not amss.attached:
        amss.attach(optimizer)
    for step in steps:
        x, y = batch(step, dtype=net.head.weight.dtype)
        optimizer.zero_grad()
        observe(amss, net, x, y)
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return optimizer


def rate_amss(net: Net, plus: bool = True, seed: int = 3) -> AMSS:
    kind = AMSSPlus if plus else AMSS
    return kind(
        net.modalities(),  # type: ignore[arg-type]
        keep=MutualInformationRate(),
        generator=torch.Generator().manual_seed(seed),
    )
