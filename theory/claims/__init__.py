"""The claims, one a file, in the order in which they are shown.

What needs no simulation comes first; the last three are empirical and take a measurement.
"""

from theory.claims import (
    ht_second_moment,
    ht_unbiased,
    indicator_bias,
    keep_returns_through_variance,
    mixture_weight_bound,
    nonconvex_bound,
    optimal_inclusion,
    plus_update_free_of_keep,
    quadratic_oracle,
    rank_conditioned_infinite_variance_k1,
    rank_conditioned_unbiased,
    released_entropy,
    released_head_unmasked,
    released_index_weight,
    released_ratio_swapped,
    released_weight_biased,
    released_weight_scale,
    second_moment_design_free,
    skewed_noise_wrong_point,
    square_importance_equals_uniform,
    successive_inclusion_not_kq,
)
from theory.verdict import Claim

CLAIMS: tuple[Claim, ...] = (
    ht_unbiased.CLAIM,
    rank_conditioned_unbiased.CLAIM,
    rank_conditioned_infinite_variance_k1.CLAIM,
    indicator_bias.CLAIM,
    ht_second_moment.CLAIM,
    second_moment_design_free.CLAIM,
    square_importance_equals_uniform.CLAIM,
    optimal_inclusion.CLAIM,
    mixture_weight_bound.CLAIM,
    successive_inclusion_not_kq.CLAIM,
    released_weight_biased.CLAIM,
    released_weight_scale.CLAIM,
    released_head_unmasked.CLAIM,
    released_index_weight.CLAIM,
    released_ratio_swapped.CLAIM,
    released_entropy.CLAIM,
    plus_update_free_of_keep.CLAIM,
    keep_returns_through_variance.CLAIM,
    nonconvex_bound.CLAIM,
    quadratic_oracle.CLAIM,
    skewed_noise_wrong_point.CLAIM,
)
"""All claims. A new claim is one file and one line here."""
