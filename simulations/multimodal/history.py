"""What is written down after every epoch."""

from collections.abc import Iterable, Mapping
from statistics import fmean

import torch

from amss_min import MutualInformationRate, unimodal_logits
from simulations.multimodal.evaluation import Glance, glance
from simulations.multimodal.model import FusionNet
from simulations.multimodal.splits import Part


class History:
    """Lists with one entry per epoch, by quantity, or by quantity and modality.

    train_loss: mean of the losses of the epoch's steps, nats. keep: mean keep fraction of the epoch's steps, 1 for
    whole gradients. validation_loss, validation_accuracy, validation_modality_accuracy: after the epoch.
    information_rate: u_m = (H(Y) - CE(f_m, Y)) / H(Z_m) on all train rows after the epoch, the same for every
    method, whether its keep fraction depends on it or not.
    """

    def __init__(self, modalities: Iterable[str]) -> None:
        names = list(modalities)
        self.train_loss: list[float] = []
        self.validation_loss: list[float] = []
        self.validation_accuracy: list[float] = []
        self.validation_modality_accuracy: dict[str, list[float]] = {name: [] for name in names}
        self.keep: dict[str, list[float]] = {name: [] for name in names}
        self.information_rate: dict[str, list[float]] = {name: [] for name in names}
        self._losses: list[float] = []
        self._kept: dict[str, list[float]] = {name: [] for name in names}

    def step(self, loss: float, keep: Mapping[str, float] | None) -> None:
        """Note one optimiser step; keep is None where gradients are left whole."""
        self._losses.append(loss)
        for name, values in self._kept.items():
            values.append(1.0 if keep is None else keep[name])

    def epoch(self, net: FusionNet, parts: Mapping[str, Part]) -> Glance:
        """Close the epoch: score the validation rows, and measure the information rates on the train rows."""
        validation = glance(net, parts["validation"])
        self.train_loss.append(fmean(self._losses))
        self.validation_loss.append(validation.loss)
        self.validation_accuracy.append(validation.accuracy)
        rates = information_rates(net, parts["train"])
        for name, kept in self._kept.items():
            self.keep[name].append(fmean(kept))
            self.information_rate[name].append(rates[name])
            self.validation_modality_accuracy[name].append(validation.modality_accuracy[name])
            kept.clear()
        self._losses.clear()
        return validation

    def as_json(self) -> dict[str, object]:
        """The lists, without what belongs to an epoch that is not closed."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


def information_rates(net: FusionNet, part: Part) -> dict[str, float]:
    """Mutual information rate of each modality with the label, on all rows of the part; no unit."""
    with torch.no_grad():
        features = net(part.features).features
        logits = unimodal_logits(net.head, features)
        rate = MutualInformationRate()
        observed = rate.observation(list(logits.values()), list(features.values()), part.labels)
    return dict(zip(features, rate.rates(observed).tolist(), strict=True))
