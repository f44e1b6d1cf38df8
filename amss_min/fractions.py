"""The keep fractions of a step: fixed, or computed from the batches observed since the last one."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from amss_min.distributed import Ranks
from amss_min.observation import Observation, observation_from
from amss_min.plan import close_names
from amss_min.significance import MutualInformationRate


class Fractions:
    """Keep fractions rho (M,) float64, and, where a MutualInformationRate gives them, what was observed.

    rule: name -> number, or the rate. Optimizers are told apart by a position, in the order of attaching.
    """

    def __init__(self, rule: Mapping[str, float] | MutualInformationRate, modalities: tuple[str, ...]) -> None:
        fixed = {} if isinstance(rule, MutualInformationRate) else rule
        self._rate = rule if isinstance(rule, MutualInformationRate) else None
        self._modalities = modalities
        self._constant = torch.tensor(list(fixed.values()), dtype=torch.float64)
        self._observed: Observation | None = None
        self._past: Tensor | None = None  # fractions of the step before the observation, where they are smoothed
        self._used_by: set[int] = set()  # positions of the optimizers that stepped since the last observation

    def observe(self, logits: Mapping[str, Tensor], features: Mapping[str, Tensor], target: Tensor) -> None:
        """Pool this batch with those observed since the last step; see AMSS.observe."""
        if self._rate is None:
            return
        seen = self._seen(self._rate, logits, features, target)
        fresh = self._observed is None or bool(self._used_by)
        if fresh and self._observed is not None and self._rate.smoothing:
            self._past = self._rate.smoothed(self._past, self._observed)
        self._observed = seen if fresh or self._observed is None else self._observed + seen
        self._used_by = set()

    def __call__(self, position: int = -1) -> Tensor:
        """The fractions of this optimizer's step; RuntimeError where nothing was observed since its last one."""
        if self._rate is None:
            return self._constant
        if self._observed is None or position in self._used_by:
            raise RuntimeError(
                "keep is computed from the batch: call observe(logits=..., features=..., target=...) before every "
                "step, found no observation since the last one"
            )
        return self._rate.smoothed(self._past, self._observed)

    def of(self, logits: Mapping[str, Tensor], features: Mapping[str, Tensor], target: Tensor) -> Tensor:
        """The fractions of a step with only this batch observed; it takes note of nothing. See AMSS.keep_for."""
        if self._rate is None:
            return self._constant
        seen = self._seen(self._rate, logits, features, target)
        past = self._past
        if self._observed is not None and self._used_by and self._rate.smoothing:
            past = self._rate.smoothed(past, self._observed)
        return self._rate.smoothed(past, seen)

    def pool(self, ranks: Ranks) -> None:
        """Before the first step that uses it: pool what was observed over the ranks."""
        if self._observed is not None and not self._used_by:
            self._observed = ranks.pooled(self._observed)

    def use(self, position: int) -> None:
        """Take note that this optimizer has stepped: the observation is spent for it."""
        self._used_by.add(position)

    def _seen(
        self,
        rate: MutualInformationRate,
        logits: Mapping[str, Tensor],
        features: Mapping[str, Tensor],
        target: Tensor,
    ) -> Observation:
        for what, found in (("logits", logits), ("features", features)):
            if not isinstance(found, Mapping):
                raise TypeError(f"observe: {what} must map every modality to a tensor, found {type(found).__name__}")
            close_names(f"observe: {what}", found, self._modalities)
        with torch.no_grad():
            return rate.observation(_ordered(logits, self._modalities), _ordered(features, self._modalities), target)

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        observed = None if self._observed is None else dict(vars(self._observed))
        return {"observed": observed, "past": self._past, "used_by": sorted(self._used_by)}

    def load(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Resume from `state`, on this device."""
        observed = state["observed"]
        self._observed = observed and observation_from({name: value.to(device) for name, value in observed.items()})
        past = state.get("past")  # a state taken before fractions could be smoothed has none
        self._past = None if past is None else past.to(device)
        self._used_by = set(state["used_by"])


def _ordered(named: Mapping[str, Tensor], names: Sequence[str]) -> list[Tensor]:
    return [named[name] for name in names]
