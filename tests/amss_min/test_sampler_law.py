"""End to end with the real generator: drawn frequencies against inclusion probabilities, sequentially.

The Beta-Bernoulli mixture E_N = B(a + s, b + N - s) / (B(a, b) pi^s (1 - pi)^(N - s)) is a test martingale
where the inclusion probability is pi (Robbins 1970); its average over units is one too, whatever their
dependence, so P(sup E >= 1/alpha) <= alpha (Ville).
"""

import pytest
import torch

from amss_min.designs import Design, Poisson, SimpleRandom, Successive, Systematic

ALPHA = 1e-9 / 100  # this file's share of the suite's budget, for 10 tests of 10 looks or fewer
DRAWS = 20_000


def log_e_value(hits: torch.Tensor, draws: int, pi: torch.Tensor) -> float:
    """Logarithm of the average over units of the Beta-Bernoulli e-value."""
    a, b = 20 * pi, 20 * (1 - pi)
    misses = draws - hits
    beta = torch.lgamma(a + hits) + torch.lgamma(b + misses) - torch.lgamma(a + b + draws)
    prior = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    log_e = beta - prior - hits * pi.log() - misses * (-pi).log1p()
    return float(log_e.logsumexp(0) - torch.tensor(float(len(pi))).log())


def log_evidence(design: Design, claimed: torch.Tensor, p: torch.Tensor, k: int, seed: int) -> float:
    draw = design.sample(p.expand(DRAWS, -1), k, generator=torch.Generator().manual_seed(seed))
    inside = (claimed > 0) & (claimed < 1)
    if not draw.drawn[:, claimed == 1].all():
        return torch.inf  # a certain unit that was not drawn refutes outright
    return log_e_value(draw.drawn.sum(0).double()[inside], DRAWS, claimed[inside])


P = torch.tensor([6.0, 2.0, 1.0, 1.0, 0.5, 0.25, 0.25, 0.0, 0.01, 0.3], dtype=torch.float64)


@pytest.mark.parametrize("design", [SimpleRandom(), Poisson(), Successive(), Systematic()], ids=repr)
def test_frequencies_are_not_contradicted(design: Design) -> None:
    assert log_evidence(design, design.inclusion(P, 3), P, 3, seed=1) < -torch.tensor(ALPHA).log()


def test_successive_sampling_taken_for_proportional_is_caught() -> None:
    """The negative control: the same budget must refute what is false."""
    assert log_evidence(Successive(), Systematic().inclusion(P, 3), P, 3, seed=1) > -torch.tensor(ALPHA).log()
