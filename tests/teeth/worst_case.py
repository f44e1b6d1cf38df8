"""Teeth of the claims about worst cases: a constant, a multiplier, an inequality or a mask that is wrong."""

from amss_min import weightings
from tests.teeth.base import Tooth
from theory.worst_case import attained, closed_forms, multipliers, problems, rounded, solver

TEETH: tuple[Tooth, ...] = (
    Tooth("worst-case-gradient-descent", closed_forms, "smallest_from_gap", "steps + 2)", "steps + 1)"),
    Tooth("worst-case-gradient-descent", multipliers, "gradient_descent", "Fraction(3, 4)", "Fraction(4, 5)"),
    Tooth("worst-case-gradient-descent", problems, "_smooth", "(QUARTER, inner(ch", "(-QUARTER, inner(ch"),
    Tooth("worst-case-gradient-descent", attained, "sawtooth", "1 + i % 2)", "1 + 2 * (i % 2))"),
    Tooth("worst-case-masked-descent", closed_forms, "masked_average", "** steps)", "** (steps + 1))"),
    Tooth(
        "worst-case-masked-descent", multipliers, "masked_descent", "share = step", "share = Fraction(101, 100) * step"
    ),
    Tooth("worst-case-masked-descent", weightings.HorvitzThompson, "__call__", "1.0 / draw", "0.5 / draw"),
    Tooth("worst-case-biased-descent", closed_forms, "biased_average", "absolute / (1 - relative)", "absolute"),
    Tooth("worst-case-biased-descent", problems, "biased_descent", "number(absolute)", "number(2 * absolute)"),
    Tooth("worst-case-biased-descent", multipliers, "biased_descent", "step / (2 * steps)", "step / (3 * steps)"),
    Tooth("worst-case-top-one", closed_forms, "top_one_average", "n, 1)", "n, 2)"),
    Tooth("worst-case-top-one", multipliers, "top_one", "step / (2 * n * steps)", "0 * step"),
    Tooth("worst-case-top-one", rounded, "recorded", "Fraction(value)", 'Fraction(value) + (name == "lower(0)")'),
    Tooth("worst-case-solved-gradient-descent", closed_forms, "smallest_from_drop", "3 * steps)", "3 * steps + 1)"),
    Tooth("worst-case-solved-gradient-descent", solver, "gradient_descent_smallest", "x - grad", "x - 0.9 * grad"),
    Tooth("worst-case-solved-masked-descent", solver, "masked_average", "moved - blocks[j]", "moved - blocks[j] / 2"),
    Tooth("worst-case-solved-masked-descent", closed_forms, "masked_average", "2 / keep", "2"),
    Tooth("worst-case-solved-relative-bias", closed_forms, "biased_average", "relative**steps", "relative"),
    Tooth("worst-case-solved-relative-bias", solver, "biased_average", "x - gradient - bias", "x - gradient"),
    Tooth("worst-case-solved-absolute-bias", closed_forms, "biased_average", " * (1 - spent)", ""),
    Tooth("worst-case-solved-top-one", solver, "top_one_average", "largest**2 >=", "2 * largest**2 >="),
    Tooth("worst-case-solved-top-one", closed_forms, "top_one_average", "n, 1)", "n, 2)"),
)
