"""Teeth of the claims about linear forms, stochastic gradients, the bias of AMSS, and what stands around the mask."""

from amss_min import designs, importance, modalities, weightings
from amss_min.designs import systematic
from tests.teeth.base import Tooth
from tests.teeth.sampling import HT_KQ
from theory import finite_sum, joint_symmetry, linear_forms, masked_bias, moments, released_field
from theory.claims import reused_mask_biased, top_k_contraction

TEETH: tuple[Tooth, ...] = (
    Tooth("released-weight-is-mixture", weightings.ShiftedInverse, "_weight", "1.0 / draw.q.shape[-1]", "0.5"),
    Tooth("released-weight-is-mixture", importance.Importance, "__call__", "mul_(1 - self.mix)", "mul_(1)"),
    Tooth("released-weight-is-mixture", weightings.HorvitzThompson, "__call__", "1.0 / draw", "2.0 / draw"),
    Tooth("linear-form-variance", systematic, "_joint", "* UNIT", "* UNIT * 1.0000001"),
    Tooth("linear-form-variance", designs.SimpleRandom, "joint_inclusion", "n_plus * (n_plus - 1)", "n_plus * n_plus"),
    Tooth("sen-yates-grundy", systematic, "_joint", "-r.cumsum(-1) % ONE", "r.cumsum(-1) % ONE"),
    Tooth("sen-yates-grundy", moments, "sen_yates_grundy_variance", "if i < j", "if i <= j + 1"),
    Tooth(
        "shared-order-uncorrelated", designs.Systematic, "select_step", "starts.unsq", "(starts[:1] + 0 * starts).unsq"
    ),
    Tooth("shared-order-uncorrelated", designs.Systematic, "_drawn", "scatter_(-1, places, strides)", "copy_(strides)"),
    Tooth(
        "uniform-mask-is-smaller-step",
        weightings.HorvitzThompson,
        "__call__",
        "draw.inclusion",
        "draw.inclusion.sqrt()",
    ),
    Tooth("uniform-mask-is-smaller-step", weightings.Indicator, "__call__", "draw.drawn", "2 * draw.drawn"),
    Tooth(
        "external-importance-needs-floor",
        importance.Importance,
        "__call__",
        "addcdiv_(positive, units, value=self.mix)",
        "add_(self.mix / units)",
    ),
    Tooth("external-importance-needs-floor", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth("quadratic-form", designs.Poisson, "joint_inclusion", "pi.unsqueeze(-2)", "pi.unsqueeze(-2).square()"),
    Tooth("tower-rule", weightings.HorvitzThompson, "__call__", *HT_KQ),
    Tooth(
        "tower-rule", designs.Systematic, "_drawn", "pi=r.to(torch.float64).mul_(UNIT)", "pi=q * count.unsqueeze(-1)"
    ),
    Tooth("reused-mask-biased", weightings.HorvitzThompson, "__call__", "1.0 / draw", "1.0 + 0.0 * draw"),
    Tooth("reused-mask-biased", reused_mask_biased, "reused_mean", "Fraction(n, k)", "1"),
    Tooth("finite-sum-abc", finite_sum, "uniform_abc", "2 * smoothness * gap", "smoothness * gap"),
    Tooth(
        "masked-abc", weightings.HorvitzThompson, "__call__", "1.0 / draw.inclusion", "1.0 / draw.inclusion.square()"
    ),
    Tooth("amss-decomposition", weightings.Indicator, "__call__", "draw.drawn", "2 * draw.drawn"),
    Tooth("amss-decomposition", masked_bias, "covariance", "(p - at) * (x - m)", "(p - at) * (p - at)"),
    Tooth("amss-decomposition", systematic, "_crossed", ") < r", ") <= r"),
    Tooth("covariance-universal-bound", masked_bias, "universal_bound", "sigma2 / 4", "sigma2 / 8"),
    Tooth("full-gradient-no-floor", weightings.Indicator, "__call__", "draw.drawn", "2 * draw.drawn"),
    Tooth("full-gradient-no-floor", importance.SquaredGradient, "raw", "scaled.square()", "1 / scaled.clamp_min(1e-3)"),
    Tooth("independent-mask-no-bias", weightings.Indicator, "__call__", "draw.drawn", "2 * draw.drawn"),
    Tooth("independent-mask-no-bias", masked_bias, "mean_inclusion", "pi, strict=True", "pi[::-1], strict=True"),
    Tooth(
        "conditional-symmetry-no-wrong-point",
        importance.SquaredGradient,
        "raw",
        "scaled.square()",
        "scaled.clamp_min(0.01) ** -4",
    ),
    Tooth("joint-symmetry-wrong-point", importance.SquaredGradient, "raw", "scaled.square()", "scaled"),
    Tooth("joint-symmetry-wrong-point", joint_symmetry, "drift", "/ (2 * n)", "/ n"),
    Tooth("d-min-vanishes", importance.SquaredGradient, "raw", "scaled.square()", "scaled"),
    Tooth("d-min-vanishes", importance.Importance, "__call__", "if self.mix == 0:", "if self.mix >= 0:"),
    Tooth("modality-second-moment", weightings.HorvitzThompson, "__call__", "draw.inclusion", "draw.inclusion.sqrt()"),
    Tooth("modality-second-moment", modalities.Units, "aligned", "multipliers.reshape", "multipliers.sqrt().reshape"),
    Tooth("top-k-contraction", designs.TopK, "select", "smallest(-p, count)", "smallest(p, count)"),
    Tooth("top-k-contraction", top_k_contraction, "contraction", "Fraction(k, n)", "Fraction(k + 1, n)"),
    Tooth("released-weights-wrong-point", weightings.ShiftedInverse, "_weight", "1.0 / draw.q.shape[-1]", "0.25"),
    Tooth("released-weights-wrong-point", released_field, "drift", "2 * x", "3 * x"),
    Tooth(
        "float32-cumsum-breaks-systematic",
        systematic,
        "_crossed",
        "r.cumsum(-1) + start",
        "(r / ONE).to(torch.float32).cumsum(-1).to(torch.float64).mul(ONE).to(torch.int64) + start",
    ),
    Tooth(
        "clipping-after-mask-biased", modalities.Units, "aligned", "multipliers.reshape", "multipliers.sqrt().reshape"
    ),
    Tooth("clipping-after-mask-biased", weightings.HorvitzThompson, "__call__", "1.0 / draw", "1.0 + 0.0 * draw"),
    Tooth(
        "masked-weight-decay", modalities.Units, "aligned", "multipliers.reshape", "multipliers.clamp_min(0.25).reshape"
    ),
    Tooth("masked-weight-decay", weightings.Indicator, "__call__", "draw.drawn", "2 * draw.drawn"),
    Tooth("quadratic-form", linear_forms, "quadratic_form_mean", "joint[i][j] /", "joint[i][i] * joint[j][j] /"),
)
"""What must refute them."""
