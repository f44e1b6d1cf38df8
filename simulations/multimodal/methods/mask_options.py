"""Options of the masked methods: one model for all, so that a study can turn one dial at a time."""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from amss_min import (
    ConditionalPoisson,
    Design,
    GradientNorm,
    HorvitzThompson,
    Importance,
    Indicator,
    MutualInformationRate,
    Pareto,
    Pivotal,
    Poisson,
    RankConditioned,
    Sampford,
    SequentialPoisson,
    SimpleRandom,
    SquaredGradient,
    Successive,
    Systematic,
    TopK,
    Weighting,
)
from amss_min.settings import refuse_contradictions
from simulations.multimodal.methods.base import Options
from simulations.multimodal.methods.matched_weightings import HalfCount, UnitMeanShiftedInverse
from simulations.multimodal.names import close_names

DESIGNS: Mapping[str, type[Design]] = {
    "conditional-poisson": ConditionalPoisson,
    "pareto": Pareto,
    "pivotal": Pivotal,
    "poisson": Poisson,
    "sampford": Sampford,
    "sequential-poisson": SequentialPoisson,
    "simple-random": SimpleRandom,
    "successive": Successive,
    "systematic": Systematic,
    "top-k": TopK,
}
WEIGHTINGS: Mapping[str, type[Weighting]] = {
    "half-count": HalfCount,
    "horvitz-thompson": HorvitzThompson,
    "indicator": Indicator,
    "rank-conditioned": RankConditioned,
    "unit-mean-shifted-inverse": UnitMeanShiftedInverse,
}
IMPORTANCES: Mapping[str, Callable[[float], Importance]] = {
    "gradient-norm": GradientNorm,
    "squared-gradient": SquaredGradient,
    "uniform": lambda mix: SquaredGradient(mix=1.0),
}

Fraction = Annotated[float, Field(gt=0, le=1)]


class KeepOptions(Options):
    """How much of each modality is kept.

    keep: "adaptive" (by the mutual information rate), a fraction for all, or modality -> fraction. The rest belongs to
    adaptive: temperature tau; floor and ceiling of the fractions; mean, where given their mean before these bounds
    (else (M - 1) / M); smoothing, the weight of the step before, 0 for none.
    """

    keep: Literal["adaptive"] | Fraction | dict[str, Fraction] = "adaptive"
    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.2
    floor: Fraction = 0.1
    ceiling: Fraction = 0.9
    mean: Fraction | None = None
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _bounds(self) -> "KeepOptions":
        self._rate()
        return self

    def keep_rule(self) -> MutualInformationRate | float | dict[str, float]:
        """What AMSS takes for `keep`."""
        return self._rate() if self.keep == "adaptive" else self.keep

    def _rate(self) -> MutualInformationRate:
        return MutualInformationRate(
            temperature=self.temperature,
            floor=self.floor,
            ceiling=self.ceiling,
            mean=self.mean,
            smoothing=self.smoothing,
        )


class MaskOptions(KeepOptions):
    """How units are drawn and weighted; the defaults are those of AMSS.

    design, weighting: names in DESIGNS and WEIGHTINGS. importance: name in IMPORTANCES. mix: share of the uniform
    distribution in the sizes. granularity: "units" (filters, heads, rows), or "weights": single weights of a matrix and
    single kernels (one output channel, one input channel) of a convolution, drawn row by row.
    """

    unbiased: ClassVar[bool] = False

    design: str = "successive"
    weighting: str = "indicator"
    importance: str = "squared-gradient"
    mix: Annotated[float, Field(ge=0, le=1)] = 0.0
    granularity: Literal["units", "weights"] = "units"

    @field_validator("design", "weighting", "importance")
    @classmethod
    def _known(cls, name: str, info: Any) -> str:
        known: Iterable[str] = {"design": DESIGNS, "weighting": WEIGHTINGS, "importance": IMPORTANCES}[info.field_name]
        if name not in known:
            raise ValueError(f"no {info.field_name} {name!r}; did you mean {close_names(name, known)}?")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> "MaskOptions":
        refuse_contradictions(DESIGNS[self.design](), WEIGHTINGS[self.weighting](), None, unbiased=self.unbiased)
        return self

    def parts(self) -> dict[str, Any]:
        """Design, weighting and importance, as keyword arguments of AMSS."""
        return {
            "design": DESIGNS[self.design](),
            "weighting": WEIGHTINGS[self.weighting](),
            "importance": IMPORTANCES[self.importance](self.mix),
        }
