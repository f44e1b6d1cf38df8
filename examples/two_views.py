"""Two views of the same three classes, the first one easier: the data and the network of the examples."""

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from amss_min import Units, split_head


def data(size: int = 256) -> TensorDataset:
    """Clear (size, 6), noisy (size, 4) and classes (size,): class means plus Gaussian noise, the same every time."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(3, (size,), generator=generator)
    clear = 2.0 * nn.functional.one_hot(y, 6) + 0.5 * torch.randn(size, 6, generator=generator)
    noisy = 1.0 * nn.functional.one_hot(y, 4) + 1.0 * torch.randn(size, 4, generator=generator)
    return TensorDataset(clear, noisy, y)


class Net(nn.Module):
    """Two encoders and a linear head on their concatenated features."""

    def __init__(self) -> None:
        super().__init__()
        self.clear = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 8))
        self.noisy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 8))
        self.head = nn.Linear(8 + 8, 3)

    def forward(self, clear: Tensor, noisy: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits (B, 3) and the features of both views, (B, 8) each."""
        features = {"clear": self.clear(clear), "noisy": self.noisy(noisy)}
        return self.head(torch.cat(list(features.values()), dim=1)), features

    def modalities(self) -> dict[str, list[nn.Module | Units]]:
        """What belongs to each view: its encoder, and its columns of the head."""
        own = split_head(self.head, {"clear": 8, "noisy": 8})
        return {"clear": [self.clear, own["clear"]], "noisy": [self.noisy, own["noisy"]]}


def accuracy(net: nn.Module) -> float:
    """The share of right answers on the training data."""
    clear, noisy, y = data().tensors
    with torch.no_grad():
        logits, _ = net(clear, noisy)
    return float((logits.argmax(1) == y).float().mean())
