"""Teeth of the claims about bounds and dynamics that need no simulation."""

from amss_min import importance, weightings
from tests.teeth.base import Tooth
from theory import abc_bounds, biased_bounds, bounds, convex_bounds, divergence, lower_bounds, momentum

ROOT_WEIGHT = ("1.0 / draw.inclusion", "1.0 / draw.inclusion.sqrt()")
BY_COUNT = (
    "1.0 / draw.inclusion",
    "1.0 / draw.inclusion * draw.drawn.sum(-1, keepdim=True) / draw.k.unsqueeze(-1)",
)

TEETH: tuple[Tooth, ...] = (
    Tooth("nonconvex-bound-tight", weightings.HorvitzThompson, "__call__", *ROOT_WEIGHT),
    Tooth("nonconvex-bound-tight", bounds, "nonconvex_bound", "2 * gap * -np.expm1", "3 * gap * -np.expm1"),
    Tooth("nonconvex-bound-tight", bounds, "sharp_bound", "L=L, gap=gap", "L=L, gap=2 * gap"),
    Tooth(
        "fixed-step-lower-bound", lower_bounds, "fixed_step_lower_bound", "4 * L * gap * share", "8 * L * gap * share"
    ),
    Tooth("fixed-step-lower-bound", bounds, "sharp_bound", "progress=stepsize * (2 - x)", "progress=stepsize"),
    Tooth("fixed-step-lower-bound", bounds, "tuned_stepsize", "np.sqrt(2 * gap", "np.sqrt(gap"),
    Tooth("larger-step-diverges", weightings.HorvitzThompson, "__call__", *ROOT_WEIGHT),
    Tooth("larger-step-diverges", weightings.Indicator, "__call__", "draw.drawn.to(", "2 * draw.drawn.to("),
    Tooth("pl-bound-tight", weightings.HorvitzThompson, "__call__", *ROOT_WEIGHT),
    Tooth("pl-bound-tight", abc_bounds, "pl_bound", "0.5 * L * C", "L * C"),
    Tooth("pl-bound-tight", abc_bounds, "pl_decreasing_bound", "shift * gap)", "shift * gap / 2)"),
    Tooth("strongly-convex-bound-tight", weightings.HorvitzThompson, "__call__", *ROOT_WEIGHT),
    Tooth(
        "strongly-convex-bound-tight", convex_bounds, "strongly_convex_rate", "for c in (convexity, L)", "for c in (L,)"
    ),
    Tooth("strongly-convex-bound-tight", convex_bounds, "convex_bound", "distance2 / (2 *", "distance2 / (4 *"),
    Tooth("self-importance-descent", weightings.Indicator, "__call__", "draw.drawn.to(", "2 * draw.drawn.to("),
    Tooth("self-importance-descent", importance.SquaredGradient, "raw", "scaled.square()", "scaled"),
    Tooth("self-importance-descent", biased_bounds, "universal_bias", "sigma2 / 4", "sigma2 / 16"),
    Tooth("weighted-average-bounds", weightings.HorvitzThompson, "__call__", *ROOT_WEIGHT),
    Tooth("weighted-average-bounds", abc_bounds, "abc_bound", "stepsize * (2 - L * B", "stepsize * (2 + L * B"),
    Tooth("weighted-average-bounds", abc_bounds, "nonconvex_decreasing_bound", "(2 * gap + L", "(gap + L"),
    Tooth("mask-after-momentum", weightings.HorvitzThompson, "__call__", *ROOT_WEIGHT),
    Tooth("mask-after-momentum", momentum.Averaged, "after_step", "eta * eta * self.step_factor * V", "eta * eta * V"),
    Tooth("mask-after-momentum", momentum.Averaged, "settled", "self.beta / fresh", "self.beta"),
    Tooth("momentum-mean-trajectory", weightings.HorvitzThompson, "__call__", *ROOT_WEIGHT),
    Tooth(
        "momentum-mean-trajectory",
        weightings.Indicator,
        "__call__",
        "draw.drawn.to(torch.float64)",
        "(1.0 / draw.inclusion).masked_fill(~draw.drawn, 0.0)",
    ),
    Tooth("adam-blind-to-constant-weights", weightings.HorvitzThompson, "__call__", *BY_COUNT),
    Tooth(
        "adam-blind-to-constant-weights",
        weightings.Indicator,
        "__call__",
        "draw.drawn.to(",
        "draw.drawn.sum(-1, keepdim=True) * draw.drawn.to(",
    ),
    Tooth("adam-step-shrinks", weightings.HorvitzThompson, "__call__", "~draw.drawn, 0.0", "~draw.drawn, 1.0"),
    Tooth("adam-step-shrinks", weightings.Indicator, "__call__", "draw.drawn.to(", "1 - draw.drawn.to("),
    Tooth("amss-diverges-interpolating", importance.SquaredGradient, "raw", "scaled.square()", "scaled"),
    Tooth("amss-diverges-interpolating", weightings.HorvitzThompson, "__call__", *ROOT_WEIGHT),
    Tooth("amss-diverges-interpolating", divergence.Interpolating, "gradient", "2 * inner * p", "inner * p"),
)
