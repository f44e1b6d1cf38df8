r"""The stated L is a smoothness constant of every objective that the simulations use.

Setting
-------
Objectives with a stated L, on all of R^d or on the ball |w| <= radius that they state.

Claim
-----
|grad F(x) - grad F(y)| <= L |x - y| for all x and y there.

Assumptions
-----------
None. The proof for each objective stands in its docstring; other claims assume this one, and where a search refutes it
they refuse to be tested.

How it is checked
-----------------
theory.falsification.refute_smoothness looks for a pair of points that contradicts L: random pairs at scales from 1e-4
to 1e3, turned into the steepest direction by the power method on differences of gradients, then moved and recombined.
What rounding may contribute is measured and granted. A search proves nothing: the verdict is CONSISTENT at most, "not
contradicted by N points".

What would refute it
--------------------
An L that is understated where the search comes, a wrong gradient.

Source
------
Derived in the docstrings of simulations/objectives.
"""

from collections.abc import Sequence

from amss_min.testing import Evidence, Status
from theory.falsification import refute_smoothness
from theory.measurement import Measurement
from theory.searches import over_objectives
from theory.sources import Source
from theory.verdict import Claim, Kind


def check(measurement: Measurement) -> Sequence[Evidence]:
    """One search for every objective."""
    return list(over_objectives(measurement, refute_smoothness))


CLAIM = Claim(
    id="smoothness-constant",
    statement=r"The stated $L$ of every objective is a smoothness constant: "
    r"$\|\nabla F(x) - \nabla F(y)\| \leq L \|x - y\|$ on its domain.",
    kind=Kind.INEQUALITY,
    source=Source(kind="derived", reference="docstrings of simulations/objectives"),
    assumptions=(),
    expected_status=Status.CONSISTENT,
    check=check,
    empirical=True,
)
