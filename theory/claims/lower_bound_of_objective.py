r"""The stated F* is a lower bound of every objective that the simulations use.

Setting
-------
Objectives with a stated F*, on all of R^d or on the ball |w| <= radius that they state.

Claim
-----
F(w) >= F* for every w there.

Assumptions
-----------
None. The proof for each objective stands in its docstring; other claims assume this one, and where a search refutes it
they refuse to be tested.

How it is checked
-----------------
theory.falsification.refute_lower_bound descends from random points at scales from 1e-4 to 1e3 and looks for a value
below F* by more than rounding. A search proves nothing: the verdict is CONSISTENT at most, "not contradicted by N
points".

What would refute it
--------------------
An F* that is overstated where the descent ends, a wrong value.

Source
------
Derived in the docstrings of simulations/objectives.
"""

from collections.abc import Sequence

from amss_min.testing import Evidence, Status
from theory.falsification import refute_lower_bound
from theory.measurement import Measurement
from theory.searches import over_objectives
from theory.sources import Source
from theory.verdict import Claim, Kind


def check(measurement: Measurement) -> Sequence[Evidence]:
    """One search for every objective."""
    return list(over_objectives(measurement, refute_lower_bound))


CLAIM = Claim(
    id="lower-bound-of-objective",
    statement=r"The stated $F^*$ of every objective is a lower bound: $F(w) \geq F^*$ on its domain.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="docstrings of simulations/objectives"),
    assumptions=(),
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
