"""What a check may conclude, and on what grounds.

`Status` and `Evidence` are shared by every check of the suite: a claim about convergence and a property
test of somebody's estimator end in the same four outcomes, under the same rules.
"""

from amss_min.testing.evidence import Evidence, Guarantee, Method
from amss_min.testing.status import Status, weakest

__all__ = ["Evidence", "Guarantee", "Method", "Status", "weakest"]
