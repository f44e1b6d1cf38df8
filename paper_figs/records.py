"""The files that figures and the report read, as checked types. Keys that are not listed are left alone."""

import math
from collections.abc import Sized
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A float; null in the file stands for a number that was not finite."""

Share = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """Anything read from a file."""

    model_config = ConfigDict(frozen=True)


class Recorded(Record):
    """Where and when a committed copy was made; the commit is null where there was none."""

    commit: str | None
    date: str


class ExperimentRun(Record):
    """Means over replicates with standard errors, at the checkpoints of one configuration.

    energy: |grad F(w_t)|^2. average: its mean over the steps before t. iterate: w_t, one row a checkpoint.
    sigma2: not finite for noise that grows with w. window: the mean between the last two checkpoints. theory: curves
    with one value a checkpoint, or a number.
    """

    objective: str
    noise: str
    method: str
    sigma2: Number
    keep: float
    stepsize: Annotated[float, Field(gt=0)]
    L: Annotated[float, Field(gt=0)]
    replicates: Annotated[int, Field(gt=1)]
    checkpoints: Annotated[list[int], Field(min_length=1)]
    energy: list[Number]
    energy_error: list[Number]
    average: list[Number]
    average_error: list[Number]
    iterate: list[list[Number]]
    window: Number
    window_error: Number
    theory: dict[str, list[Number] | Number]

    @model_validator(mode="after")
    def _aligned(self) -> Self:
        curves: dict[str, Sized] = {
            "energy": self.energy,
            "energy_error": self.energy_error,
            "average": self.average,
            "average_error": self.average_error,
            "iterate": self.iterate,
            **{f"theory.{name}": curve for name, curve in self.theory.items() if isinstance(curve, list)},
        }
        for name, curve in curves.items():
            if len(curve) != len(self.checkpoints):
                raise ValueError(f"{name} must have one value a checkpoint ({len(self.checkpoints)}), has {len(curve)}")
        return self

    def curve(self, name: str) -> list[float]:
        """A theoretical curve with one value a checkpoint; raises ValueError where there is none of this name."""
        curve = self.theory.get(name)
        if not isinstance(curve, list):
            raise ValueError(f"the run of {self.method} ({self.noise}) must carry the curve {name!r}, has none")
        return curve


class Experiment(Record):
    """results/experiments/<name>.json."""

    recorded: Recorded | None = None
    name: str
    claim: str
    seed: int
    runs: Annotated[list[ExperimentRun], Field(min_length=1)]


class Interval(Record):
    """A mean over n seeds; low and high are null for fewer than two of them, the mean for none."""

    mean: float | None
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        if self.mean is None:
            return "no run"
        if self.low is None or self.high is None:
            return f"{self.mean:.3f} (one seed)"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


class TrainData(Record):
    """The data set of a training run; features maps a modality to the shape of one row."""

    name: str
    rows: int
    features: dict[str, list[int]]
    targets: list[str]
    sha256: str


class TrainScores(Record):
    """Scores of one run: metrics by name, and the primary one of each modality alone."""

    metrics: dict[str, float]
    modality: dict[str, float]


class TrainHistory(Record):
    """One value an epoch, by modality: keep fraction, mutual information rate, primary metric on validation.

    Comparisons keep the histories of a few seeds; those of the others are empty.
    """

    keep: dict[str, list[Share]] = {}
    information_rate: dict[str, list[Number]] = {}
    validation_modality: dict[str, list[Number]] = {}


class TrainRun(Record):
    """One method on one seed. diagnosis: epoch -> what masks do to the gradients then, by `--diagnose`."""

    method: str
    seed: int
    best_epoch: int
    test: TrainScores
    history: TrainHistory
    diagnosis: dict[str, dict[str, Any]] = {}


class TrainSummary(Record):
    """Intervals by method and metric, and of the paired differences to joint training.

    primary: the metric that methods are chosen and compared by.
    """

    confidence: Share
    assumption: str
    methods: dict[str, dict[str, Interval]]
    difference_to_joint: dict[str, dict[str, Interval]]
    primary: str | None = None


class Train(Record):
    """results/train/<data>.json."""

    recorded: Recorded | None = None
    data: TrainData
    settings: dict[str, Any]
    methods: dict[str, str]
    selection: str
    scale: str
    split: dict[str, Any]
    runs: Annotated[list[TrainRun], Field(min_length=1)]
    summary: TrainSummary

    @property
    def seeds(self) -> int:
        """How many seeds it holds."""
        return len({run.seed for run in self.runs})


class Paired(Record):
    """A mean paired difference with its simultaneous interval (null for one seed), and the values seed by seed."""

    mean: float
    low: float | None
    high: float | None
    values: list[float]


class Differences(Record):
    """Paired differences of the primary metric to the baseline; intervals hold for all comparisons at once."""

    baseline: str
    seeds: list[int]
    left_out: list[int]
    confidence: Share
    differences: dict[str, Paired]


class Compare(Train):
    """results/compare/<data>.json."""

    paired: Differences


StatusName = Literal["HOLDS", "CONSISTENT", "INCONCLUSIVE", "REFUTED"]


class Evidence(Record):
    """One piece of evidence of a verdict."""

    what: str
    method: str
    guarantee: str
    status: StatusName
    expected: float | str
    measured: float | str
    tolerance: float | str | None
    tolerance_source: str
    scope: str
    witness: dict[str, Any] | None = None
    details: dict[str, Any] = {}


class Verdict(Record):
    """One item of results/verdicts.json."""

    id: str
    statement: str
    kind: str
    source: str
    assumptions: list[str] = []
    status: StatusName
    expected_status: StatusName
    scope: str
    guarantee: str
    evidence: list[Evidence]

    @property
    def as_expected(self) -> bool:
        """Whether the status is the one written down before the run."""
        return self.status == self.expected_status


class Audit(Record):
    """results/verdicts.json, a list of verdicts; a committed copy holds them under the key verdicts."""

    recorded: Recorded | None = None
    verdicts: list[Verdict]

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return {"verdicts": value} if isinstance(value, list) else value

    def evidence(self, claim: str) -> list[Evidence]:
        """The evidence for a claim; none where it was not audited."""
        return [item for verdict in self.verdicts if verdict.id == claim for item in verdict.evidence]


class PhasePoint(Record):
    """AMSS and AMSS+ at one point of the phase diagram; see `simulations.sweeps.phase.record`."""

    imbalance: Annotated[float, Field(gt=0)]
    keep: list[Share]
    p: Share
    stepsize: Annotated[float, Field(gt=0)]
    replicates: int
    log_ratio: Number
    log_ratio_error: Number
    predicted_log_ratio: Number


class Phase(Record):
    """results/sweeps/phase-diagram.json."""

    recorded: Recorded | None = None
    study: str
    points: Annotated[list[PhasePoint], Field(min_length=1)]


class EngineBench(Record):
    """results/bench-engine.json: seconds an update by type and way, best of some repeats."""

    recorded: Recorded | None = None
    seconds: dict[str, dict[str, float]]
    d: int
    replicates: int
    keep: Share
    repeats: int
    threads: int
    device: str
    torch: str


class StepBench(Record):
    """results/bench.json: seconds of one masked step by way, one value a repeat."""

    recorded: Recorded | None = None
    seconds: dict[str, Annotated[list[float], Field(min_length=1)]]
    parameters: int
    keep: Share
    threads: int
    torch: str
    cpu: str


class SourceNote(Record):
    """A file that a figure was drawn from, as its sidecar names it; place is "results" or "paper_figs/data"."""

    file: str
    place: Annotated[str, Field(alias="from")]
    sha256: str
    recorded: Recorded | None
    command: str


class Provenance(Record):
    """The sidecar of a figure."""

    figure: str
    title: str
    caption: str
    alt: str
    claims: list[str]
    recorded: bool
    sources: list[SourceNote]
    commit: str | None
