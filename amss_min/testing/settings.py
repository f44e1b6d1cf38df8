"""How a check is run: its errors, its budget of draws, its seed."""

import math
from dataclasses import dataclass
from typing import Any

DRAWS, DRAWS_BATCHED = 800_000, 4_000_000
"""Draws unless told otherwise, for plain and for batched estimators."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a check is run.

    alpha: the probability of REFUTED for an unbiased estimator, and that of CONSISTENT for one with a larger bias.
    detect: CONSISTENT excludes every bias of norm above detect |g|. draws: in all, burn-in included (at least four on
    each gradient, whatever is asked for); None for the default, or as many as `seconds` allow at the speed of the
    burn-in, if those are fewer. burn_in: on each gradient; None for 2000, or as many as the draws or a tenth of the
    seconds allow, if those are fewer. seed: of everything.
    patient: go on until the draws are spent, although every bias above detect is excluded already.

    Raises ValueError for alpha outside (0, 1), and for detect, draws, seconds or seed below what makes sense.
    """

    alpha: float = 1e-6
    detect: float = 0.05
    draws: int | None = None
    seconds: float = 45.0
    burn_in: int | None = None
    seed: int = 0
    patient: bool = True

    def __post_init__(self) -> None:
        for name, high in (("alpha", 1), ("detect", math.inf), ("seconds", math.inf)):
            value = getattr(self, name)
            if not 0 < value < high:
                raise ValueError(f"{name} must be above 0 and below {high}, found {name}={value}")
        for name, least in (("draws", 1), ("burn_in", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, found {name}={value}")

    def as_json(self) -> dict[str, Any]:
        """What belongs beside a result."""
        return {"alpha": self.alpha, "detect": self.detect, "seed": self.seed}
