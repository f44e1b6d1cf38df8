"""Teeth of the claims about sampling, weights and the released code."""

from amss_min import designs, importance, modalities, settings, significance, weightings
from amss_min.amss import AMSS
from amss_min.designs import fixed_point, successive, systematic
from tests.teeth.base import Tooth

HT_KQ = ("1.0 / draw.inclusion", "1.0 / (draw.k.unsqueeze(-1) * draw.q)")
RETURN_KQ = ("q, _, count = prepared(p, k)", "q, _, count = prepared(p, k); return q * count.unsqueeze(-1)")

TEETH: tuple[Tooth, ...] = (
    Tooth("ht-unbiased", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth("ht-unbiased", systematic, "_crossed", ") < r", ") <= r"),
    Tooth("ht-unbiased", fixed_point, "rounded", "(count * ONE - r.sum(-1))", "(0 * count)"),
    Tooth("ht-unbiased", fixed_point, "rounded", "water_filling(q, count)", "(q * count.unsqueeze(-1))"),
    Tooth(
        "ht-unbiased", designs.Systematic, "_drawn", "pi=r.to(torch.float64).mul_(UNIT)", "pi=q * count.unsqueeze(-1)"
    ),
    Tooth("ht-unbiased", designs.Poisson, "select", "(bits >> _SHIFT) < r", "(bits >> _SHIFT) <= r"),
    Tooth("ht-unbiased", designs.SimpleRandom, "select", "positive, bits, WORD", "positive, bits >> 9, WORD"),
    Tooth("ht-unbiased", designs.Successive, "inclusion", *RETURN_KQ),
    Tooth("rank-conditioned-unbiased", weightings.RankConditioned, "__call__", "-torch.expm1(-ringing)", "ringing"),
    Tooth("rank-conditioned-unbiased", weightings.RankConditioned, "__call__", "-torch.expm1(", "torch.exp("),
    Tooth(
        "rank-conditioned-unbiased",
        designs.Successive,
        "select",
        "gather(-1, count.unsqueeze(-1))",
        "gather(-1, count.unsqueeze(-1) - 1)",
    ),
    Tooth("rank-conditioned-infinite-variance-k1", settings, "refuse_sizes", "n > 1 and", "n > 99 and"),
    Tooth(
        "rank-conditioned-infinite-variance-k1",
        weightings.RankConditioned,
        "__call__",
        "1.0 / -torch.expm1(-ringing)",
        "(1.0 / -torch.expm1(-ringing)).clamp_max(1e6)",
    ),
    Tooth("indicator-bias", weightings.Indicator, "__call__", "draw.drawn.to(", "2 * draw.drawn.to("),
    Tooth("indicator-bias", AMSS, "_default_weighting", "Indicator()", "HorvitzThompson()"),
    Tooth("ht-second-moment", weightings.HorvitzThompson, "second_moment", "draw.inclusion", "draw.inclusion.square()"),
    Tooth("ht-second-moment", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth(
        "second-moment-design-free",
        designs.Poisson,
        "select",
        "pi=r.to(torch.float64) * UNIT",
        "pi=q * count.unsqueeze(-1)",
    ),
    Tooth(
        "second-moment-design-free",
        weightings.HorvitzThompson,
        "__call__",
        "1.0 / draw.inclusion",
        "1.0 / draw.inclusion * draw.drawn.sum(-1, keepdim=True) / draw.k.unsqueeze(-1)",
    ),
    Tooth("square-importance-equals-uniform", importance.SquaredGradient, "raw", "scaled.square()", "scaled"),
    Tooth("square-importance-equals-uniform", importance, "water_filling", "pi = sizes *", "pi = 0.999 * sizes *"),
    Tooth("optimal-inclusion", importance.GradientNorm, "raw", "return scaled", "return scaled.square()"),
    Tooth("optimal-inclusion", importance.GradientNorm, "raw", "return scaled", "return scaled.sqrt()"),
    Tooth("mixture-weight-bound", importance.Importance, "__call__", "mul_(1 - self.mix)", "mul_(1)"),
    Tooth("mixture-weight-bound", importance.Importance, "__call__", "if self.mix == 0:", "if self.mix >= 0:"),
    Tooth("successive-inclusion-not-kq", designs.Successive, "inclusion", *RETURN_KQ),
    Tooth("successive-inclusion-not-kq", successive, "subset_law", "weight / left", "weight / total"),
    Tooth("released-weight-biased", weightings.ShiftedInverse, "__call__", "self._weight(draw)", "1 / draw.inclusion"),
    Tooth("released-weight-biased", weightings.ShiftedInverse, "_weight", "1.0 / draw.q.shape[-1]", "0.5"),
    Tooth(
        "released-weight-scale",
        weightings.ShiftedInverse,
        "__call__",
        "self._weight(draw)",
        "self._weight(draw) * 2 / draw.k.unsqueeze(-1)",
    ),
    Tooth("released-head-unmasked", AMSS, "_released_heads", "released.head_unmasked", "False"),
    Tooth(
        "released-head-unmasked",
        AMSS,
        "_released_heads",
        "block.is_head and released.head",
        "released.head_unmasked is None and released.head",
    ),
    Tooth("released-index-weight", AMSS, "_released_heads", "1.0 / batch.n)", "1.0)"),
    Tooth("released-index-weight", AMSS, "_released_heads", "and self._plus", "and not self._plus"),
    Tooth("released-ratio-swapped", significance.MutualInformationRate, "fractions", "if self.swapped", "if False"),
    Tooth("released-ratio-swapped", significance.MutualInformationRate, "fractions", "1 - (rates", "(rates"),
    Tooth(
        "released-ratio-swapped", significance.MutualInformationRate, "fractions", "floor, self.ceiling)", "floor, 1.0)"
    ),
    Tooth("released-ratio-swapped", significance.MutualInformationRate, "fractions", "self.floor,", "0.0,"),
    Tooth("released-ratio-swapped", significance.MutualInformationRate, "fractions", "/ self.temperature", "/ 0.2"),
    Tooth("released-entropy", significance, "released_label_entropy", "entropy(p, p)", "entropy(p.log(), p)"),
    Tooth("released-entropy", significance, "label_entropy", "entr(p)", "entr(p.softmax(0))"),
    Tooth("released-entropy", significance.MutualInformationRate, "rates", "if self.released_entropy", "if True"),
    Tooth("plus-update-free-of-keep", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth("plus-update-free-of-keep", modalities.Units, "aligned", "multipliers.reshape", "multipliers.sqrt().reshape"),
    Tooth("keep-returns-through-variance", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth(
        "keep-returns-through-variance",
        weightings.HorvitzThompson,
        "__call__",
        "draw.inclusion",
        "draw.inclusion.sqrt()",
    ),
)
