"""The figures, one a file."""

from paper_figs.figures.amss_floor import FIGURE as AMSS_FLOOR
from paper_figs.figures.bound_vs_measurement import FIGURE as BOUND_VS_MEASUREMENT
from paper_figs.figures.expected_weight import FIGURE as EXPECTED_WEIGHT
from paper_figs.figures.htad import FIGURE as HTAD
from paper_figs.figures.second_moment import FIGURE as SECOND_MOMENT

FIGURES = (EXPECTED_WEIGHT, SECOND_MOMENT, BOUND_VS_MEASUREMENT, AMSS_FLOOR, HTAD)
"""Every figure, in the order of the paper."""

__all__ = ["AMSS_FLOOR", "BOUND_VS_MEASUREMENT", "EXPECTED_WEIGHT", "FIGURES", "HTAD", "SECOND_MOMENT"]
