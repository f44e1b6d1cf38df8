"""Adaptive gradient modulation: mono-modal responses by Shapley values, each with a gradient of its own size."""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from amss_min.testing.loading import BadInput
from simulations.multimodal.methods.base import Method, Options, Setup
from simulations.multimodal.model import FusionNet, Output

MOST_MODALITIES = 10
_LARGEST = 10.0
"""Bound on the logarithms of the ratios, so that no coefficient overflows."""


class AdaptiveOptions(Options):
    """alpha: strength of the modulation. cap: most that a ratio counts as behind its reference."""

    alpha: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    cap: Annotated[float, Field(gt=0, le=10)] = 10.0


class AdaptiveModulation(Method):
    """AGM. Logits f = r_1 + ... + r_M; the gradient that flows through r_m is multiplied by kappa_m.

    r_m: the Shapley value of modality m in the logits f(S) of the modalities in S, plus f(no modality) / M; for two
    r_1 = (f(1, 2) - f(2) + f(1)) / 2. s_m: mean loss of r_m on the batch. Ratio R_m = exp(mean of the other s - s_m),
    reference T_m = the same of the means of s over all steps before;
    kappa_m = exp(alpha min(T_m - R_m, cap)), 1 in the first step.

    Simplified: a modality outside S has its features at their running mean, a constant, where the paper's code has
    inputs of zeros; passes with a modality missing run the fusion in evaluation mode. Logarithms of R and T are held
    within +-10, where the code bounds the scores. The paper has classes; here s_m is the task's loss, for any task.
    Cost: 2^M - 1 passes of the fusion, so M is at most 10.
    """

    summary = "gradients through Shapley responses times exp(alpha (reference - ratio))"
    source = "AGM: Li et al., ICCV 2023, arXiv 2308.07686"
    Options = AdaptiveOptions

    def __init__(self, net: FusionNet, setup: Setup) -> None:
        super().__init__(net, setup)
        names = net.modalities
        if len(names) > MOST_MODALITIES:
            raise BadInput(f"agm takes at most {MOST_MODALITIES} modalities, 2^M passes a step, found {len(names)}")
        self.subsets = [chosen for size in range(1, len(names) + 1) for chosen in combinations(names, size)]
        rows = [[_share(len(names), len(chosen), name in chosen) for chosen in self.subsets] for name in names]
        self.shares = torch.tensor(rows, dtype=torch.float64, device=setup.device)
        self.total = torch.zeros(len(names), dtype=torch.float64, device=setup.device)  # of the scores over all steps
        self.steps = 0

    def backward(self, output: Output, target: Tensor) -> Tensor:
        """Gradients of the joint loss with r_m's share times kappa_m."""
        responses = self.responses(output)
        with torch.no_grad():
            score = torch.stack([self.setup.task.loss(response, target) for response in responses])
            kappa = self.factors(score)
            self.total += score
            self.steps += 1
        fixed = responses.detach()
        scaled = fixed + kappa.to(fixed.dtype)[:, None, None] * (responses - fixed)
        loss = self.setup.task.loss(scaled.sum(0), target)
        loss.backward()
        return loss.detach()

    def responses(self, output: Output) -> Tensor:
        """r_m, (M, B, outputs); they add up to the joint logits."""
        fusion = self.net.fusion
        training = fusion.training
        fusion.eval()
        parts = [self.net.subset(output.features, chosen) for chosen in self.subsets[:-1]]
        fusion.train(training)
        logits = torch.stack([*parts, output.logits])
        responses: Tensor = torch.tensordot(self.shares.to(logits.dtype), logits, dims=1)
        return responses

    def factors(self, score: Tensor) -> Tensor:
        """kappa_m from the scores s_m of this batch, (M,)."""
        if len(score) == 1 or not self.steps:
            return torch.ones_like(score)
        options: AdaptiveOptions = self.setup.options
        behind = _ratio(self.total / self.steps) - _ratio(score)
        return (options.alpha * behind.clamp(max=options.cap)).exp()

    def state_dict(self) -> dict[str, Any]:
        """The generator, and the scores so far."""
        return {**super().state_dict(), "total": self.total.clone(), "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up generator and scores."""
        super().load_state_dict(state)
        self.total, self.steps = state["total"].to(self.setup.device, copy=True), state["steps"]


def _share(modalities: int, size: int, within: bool) -> float:
    """The coefficient of f(S) in r_m, |S| = size: |S - m|! (M - 1 - |S - m|)! / M!, negative where m is not in S."""
    before = size - 1 if within else size
    weight = 0.0 if before == modalities else 1 / (modalities * math.comb(modalities - 1, before))
    return weight if within else -weight


def _ratio(score: Tensor) -> Tensor:
    """exp(mean of the others - own score)."""
    others = (score.sum() - score) / (len(score) - 1)
    return (others - score).clamp(-_LARGEST, _LARGEST).exp()
