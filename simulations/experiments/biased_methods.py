"""Methods with biased masks that several experiments share."""

from amss_min.designs import SimpleRandom, Successive, Systematic
from amss_min.importance import SquaredGradient
from amss_min.weightings import Indicator
from simulations.methods import Method

SYSTEMATIC = Method("amss-systematic", SquaredGradient(), Systematic(), Indicator())
"""AMSS with systematic sampling in place of one unit after another."""

PLAIN_MASK = Method("uniform-0/1", None, SimpleRandom(), Indicator())
"""k units by chance, without a weight."""

LAGGED = Method("amss-lagged", SquaredGradient(), Successive(), Indicator(), lagged=True)
"""AMSS with the importance of the gradient before."""

LAGGED_MIXED = Method("amss-mixed-lagged", SquaredGradient(mix=0.5), Successive(), Indicator(), lagged=True)
"""The same with sizes mixed half with uniform: every unit keeps a chance."""

MIXED = Method("amss-mixed", SquaredGradient(mix=0.8), Successive(), Indicator())
"""AMSS with sizes mixed with uniform, one unit after another."""

MIXED_SYSTEMATIC = Method("amss-mixed-systematic", SquaredGradient(mix=0.8), Systematic(), Indicator())
"""AMSS with sizes mixed with uniform, drawn systematically."""
