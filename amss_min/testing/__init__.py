"""Property-test any gradient estimator, with controlled error: in a test suite, or by `python -m amss_min check`.

`Status` and `Evidence` are shared by every check of the suite: a claim about convergence and a property test of
somebody's estimator end in the same four outcomes, under the same rules. Strategies for Hypothesis are in
`amss_min.testing.strategies`, the pytest plugin is `amss_min.testing.plugin`.

>>> import torch
>>> def halves(gradient, *, generator):
...     keep = torch.rand(len(gradient), 1, generator=generator) < 0.5
...     return gradient * keep / 0.5
>>> assert_unbiased(halves, torch.tensor([3.0, 1.0, 2.0]), detect=0.2).status
<Status.CONSISTENT: 'CONSISTENT'>
"""

from amss_min.testing.adapters import from_design, from_jax_style, from_numpy, several_tensors, stateful
from amss_min.testing.budget import Budget, TestBudget
from amss_min.testing.contract import assert_generator_only, assert_input_unchanged
from amss_min.testing.equivariance import assert_permutation_equivariant, assert_scale_equivariant
from amss_min.testing.estimator import Estimator, EstimatorError
from amss_min.testing.evidence import Evidence, Guarantee, Method
from amss_min.testing.result import CheckResult
from amss_min.testing.second_moment import assert_abc, assert_contraction, assert_omega
from amss_min.testing.status import Status, weakest
from amss_min.testing.unbiased import Undecided, assert_unbiased, estimate_bias

__all__ = [
    "Budget",
    "CheckResult",
    "Estimator",
    "EstimatorError",
    "Evidence",
    "Guarantee",
    "Method",
    "Status",
    "TestBudget",
    "Undecided",
    "assert_abc",
    "assert_contraction",
    "assert_generator_only",
    "assert_input_unchanged",
    "assert_omega",
    "assert_permutation_equivariant",
    "assert_scale_equivariant",
    "assert_unbiased",
    "estimate_bias",
    "from_design",
    "from_jax_style",
    "from_numpy",
    "several_tensors",
    "stateful",
    "weakest",
]
