"""What is written down after every epoch."""

from collections.abc import Iterable, Mapping
from statistics import fmean

import torch
from torch import Tensor

from amss_min import MutualInformationRate
from simulations.multimodal.evaluation import Seen
from simulations.multimodal.methods.base import Look


class History:
    """Lists with one entry per epoch, by quantity, or by quantity and modality.

    train_loss: mean of the losses of the epoch's steps. keep: mean keep fraction of the epoch's steps, 1 for whole
    gradients. validation_loss, validation_metric, validation_modality: after the epoch, the metric the task's primary.
    information_rate: u_m of each modality's uni-modal logits on all validation rows after the epoch, the same for every
    method, whether its keep fraction depends on it or not. seconds_per_step: wall time of the epoch's steps, each.
    """

    def __init__(self, modalities: Iterable[str]) -> None:
        names = list(modalities)
        self.train_loss: list[float] = []
        self.validation_loss: list[float] = []
        self.validation_metric: list[float] = []
        self.validation_modality: dict[str, list[float]] = {name: [] for name in names}
        self.keep: dict[str, list[float]] = {name: [] for name in names}
        self.information_rate: dict[str, list[float]] = {name: [] for name in names}
        self.seconds_per_step: list[float] = []
        self._losses: list[Tensor] = []
        self._kept: dict[str, list[float]] = {name: [] for name in names}

    def step(self, loss: Tensor, keep: Mapping[str, float] | None) -> None:
        """Note one optimiser step; keep is None where gradients are left whole."""
        self._losses.append(loss)
        for name, values in self._kept.items():
            values.append(1.0 if keep is None else float(keep[name]))

    def epoch(self, look: Look, found: Seen, seconds: float) -> dict[str, object]:
        """Close the epoch with what was seen on the validation rows, and return its entries."""
        self.train_loss.append(fmean(torch.stack(self._losses).double().tolist()))
        self.validation_loss.append(look.loss)
        self.validation_metric.append(look.metric)
        self.seconds_per_step.append(seconds / len(self._losses))
        rates = information_rates(found)
        for name, kept in self._kept.items():
            self.keep[name].append(fmean(kept))
            self.information_rate[name].append(rates[name])
            self.validation_modality[name].append(look.modality_metric[name])
            kept.clear()
        self._losses.clear()
        last = {name: _last(values) for name, values in self.as_json().items()}
        return {name: value for name, value in last.items() if value is not None}

    def as_json(self) -> dict[str, object]:
        """The lists, without what belongs to an epoch that is not closed."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def load(self, values: Mapping[str, object]) -> None:
        """Take up the lists of `as_json`."""
        vars(self).update(values)


def _last(values: object) -> object:
    if isinstance(values, Mapping):
        return {name: _last(entries) for name, entries in values.items()}
    return values[-1] if isinstance(values, list) and values else None


def information_rates(found: Seen) -> dict[str, float]:
    """Mutual information rate of each modality with the target, on these rows; no unit."""
    rate = MutualInformationRate()
    observed = rate.observation(list(found.unimodal.values()), list(found.features.values()), found.target)
    return dict(zip(found.unimodal, rate.rates(observed).tolist(), strict=True))
