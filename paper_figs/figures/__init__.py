"""The figures, one a file."""

from paper_figs.figures.amss_floor import FIGURE as AMSS_FLOOR
from paper_figs.figures.bound_vs_measurement import FIGURE as BOUND_VS_MEASUREMENT
from paper_figs.figures.comparison import FIGURE as COMPARISON
from paper_figs.figures.diagnosis import FIGURE as DIAGNOSIS
from paper_figs.figures.divergence import FIGURE as DIVERGENCE
from paper_figs.figures.expected_weight import FIGURE as EXPECTED_WEIGHT
from paper_figs.figures.floors import FIGURE as FLOORS
from paper_figs.figures.htad import FIGURE as HTAD
from paper_figs.figures.joint_inclusion import FIGURE as JOINT_INCLUSION
from paper_figs.figures.momentum import FIGURE as MOMENTUM
from paper_figs.figures.phase_diagram import FIGURE as PHASE_DIAGRAM
from paper_figs.figures.rate_bounds import FIGURE as RATE_BOUNDS
from paper_figs.figures.second_moment import FIGURE as SECOND_MOMENT
from paper_figs.figures.speed import FIGURE as SPEED
from paper_figs.figures.training_curves import FIGURE as TRAINING_CURVES
from paper_figs.figures.trajectories import FIGURE as TRAJECTORIES
from paper_figs.figures.weight_tails import FIGURE as WEIGHT_TAILS
from paper_figs.figures.worst_case import FIGURE as WORST_CASE

FIGURES = (
    EXPECTED_WEIGHT,
    SECOND_MOMENT,
    WEIGHT_TAILS,
    JOINT_INCLUSION,
    BOUND_VS_MEASUREMENT,
    RATE_BOUNDS,
    WORST_CASE,
    AMSS_FLOOR,
    FLOORS,
    PHASE_DIAGRAM,
    TRAJECTORIES,
    DIVERGENCE,
    MOMENTUM,
    HTAD,
    TRAINING_CURVES,
    DIAGNOSIS,
    COMPARISON,
    SPEED,
)
"""Every figure, in the order of the paper."""

__all__ = [
    "AMSS_FLOOR",
    "BOUND_VS_MEASUREMENT",
    "COMPARISON",
    "DIAGNOSIS",
    "DIVERGENCE",
    "EXPECTED_WEIGHT",
    "FIGURES",
    "FLOORS",
    "HTAD",
    "JOINT_INCLUSION",
    "MOMENTUM",
    "PHASE_DIAGRAM",
    "RATE_BOUNDS",
    "SECOND_MOMENT",
    "SPEED",
    "TRAINING_CURVES",
    "TRAJECTORIES",
    "WEIGHT_TAILS",
    "WORST_CASE",
]
