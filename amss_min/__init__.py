"""AMSS and AMSS+: rebalance a multi-modal network by updating a sampled subnetwork of each modality.

In joint training the dominant modality takes over. AMSS (arXiv 2404.08347) keeps the forward pass as it is
and, in the backward pass, updates only a sampled part of every modality: units (filters, heads, rows) drawn
without replacement by importance, their share set by how much the modality already tells about the target.
`AMSS` masks with 0/1, which is biased; `AMSSPlus` weights by inverse inclusion probabilities, so that the
masked gradient is the gradient in expectation.

>>> import torch
>>> net = torch.nn.ModuleDict({"audio": torch.nn.Linear(4, 8), "video": torch.nn.Linear(4, 8)})
>>> optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
>>> amss = AMSSPlus(net, keep={"audio": 0.3, "video": 0.8}, generator=torch.Generator().manual_seed(0))
>>> amss.attach(optimizer)
>>> loss = sum(encoder(torch.ones(1, 4)).square().sum() for encoder in net.values())
>>> loss.backward()
>>> optimizer.step()
>>> {entry.name: entry.drawn for entry in amss.report.tensors}
{'audio: weight': 3.0, 'video: weight': 7.0}
"""

from amss_min.amss import AMSS, AMSSPlus
from amss_min.designs import (
    ConditionalPoisson,
    Design,
    Pareto,
    Pivotal,
    Poisson,
    Sampford,
    SequentialPoisson,
    SimpleRandom,
    Successive,
    Systematic,
    TopK,
)
from amss_min.importance import GradientNorm, Importance, SquaredGradient
from amss_min.modalities import Units, columns, heads, rows, split_head, weights
from amss_min.released import Released
from amss_min.report import Report
from amss_min.schedule import Schedule
from amss_min.significance import MutualInformationRate, unimodal_logits
from amss_min.weightings import HorvitzThompson, Indicator, RankConditioned, ShiftedInverse, Weighting

__all__ = [
    "AMSS",
    "AMSSPlus",
    "ConditionalPoisson",
    "Design",
    "GradientNorm",
    "HorvitzThompson",
    "Importance",
    "Indicator",
    "MutualInformationRate",
    "Pareto",
    "Pivotal",
    "Poisson",
    "RankConditioned",
    "Released",
    "Report",
    "Sampford",
    "Schedule",
    "SequentialPoisson",
    "ShiftedInverse",
    "SimpleRandom",
    "SquaredGradient",
    "Successive",
    "Systematic",
    "TopK",
    "Units",
    "Weighting",
    "columns",
    "heads",
    "rows",
    "split_head",
    "unimodal_logits",
    "weights",
]
