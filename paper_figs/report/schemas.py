"""What the report reads besides verdicts and figures, as checked types: training, comparisons, checks, benchmarks."""

from typing import Annotated, Any

from pydantic import Field

from paper_figs.records import (
    EngineBench,
    Interval,
    Record,
    Recorded,
    Share,
    StatusName,
    StepBench,
    Train,
    TrainData,
    Verdict,
)


class RunData(TrainData):
    """The data set of a run, with what the page says about it. groups: people or recordings, null where unknown."""

    task: str = "unknown"
    groups: int | None = None
    note: str = ""
    attribution: str = ""


class RunFinding(Record):
    """A run that met a number that is not finite, in the line that was printed."""

    line: str


class Run(Train):
    """results/train/<data>.json."""

    data: RunData
    findings: tuple[RunFinding, ...] = ()


class Gap(Record):
    """A mean paired difference with its simultaneous interval (null for one seed), and what it tells in words."""

    mean: float
    low: float | None
    high: float | None
    finding: str = ""


class Gaps(Record):
    """Paired differences to the baseline; their intervals hold for all comparisons at once."""

    baseline: str
    seeds: list[int]
    left_out: list[int]
    confidence: Share
    guarantee: str = "simultaneous"
    differences: dict[str, Gap]


class Tuning(Record):
    """Validation scores by stepsize, null for one that diverged; the one chosen; whether it lies at an end."""

    scores: dict[str, float | None]
    lr: float
    edge: bool


class Logistic(Record):
    """Logistic regression on the same splits, and by how much the baseline is above it."""

    accuracy: Interval
    difference: float | None
    lower_bound: float | None
    meaning: str


class Comparison(Run):
    """results/compare/<data>.json. claim: the verdict on whether masks help there, null where none was compared."""

    paired: Gaps
    tuning: dict[str, Tuning] = Field(default_factory=dict)
    logistic: Logistic | None = None
    claim: Verdict | None = None


class Factor(Record):
    """E|C|^2 / |g|^2 with its interval, and the least that a mask of the same expected size can have."""

    factor: float | None
    interval: list[float | None]
    optimum: float | None


class Family(Record):
    """What the draws on gradients of one family said."""

    family: str
    status: StatusName
    guarantee: str
    draws: int
    worst_unit: int
    relative_bias: float | None
    interval: list[float | None]
    bias_at_most: float | None
    omega: Factor


class Checked(Record):
    """What `python -m amss_min check FILE.py:NAME --json OUT` writes."""

    recorded: Recorded | None = None
    estimator: str
    status: StatusName
    guarantee: str
    text: str
    draws: int
    alpha: float
    detect: float
    seed: int
    seconds_per_draw: float
    families: list[Family]
    violations: tuple[dict[str, str], ...] = ()
    witness: dict[str, Any] | None = None


class Engine(EngineBench):
    """results/bench-engine.json, and bench-engine-cuda.json."""

    date: str = "unknown"


class Step(StepBench):
    """results/bench.json."""

    date: str = "unknown"


class Pairs(Record):
    """results/bench-step-DEVICE.json: the masked step on pairs of models, by name."""

    recorded: Recorded | None = None
    pairs: Annotated[dict[str, Step], Field(min_length=1)]


class Designs(Record):
    """results/bench-designs.json: seconds of a draw; seconds[design][i] belongs to sizes[i], shorter where it ends."""

    recorded: Recorded | None = None
    sizes: Annotated[list[int], Field(min_length=1)]
    seconds: dict[str, list[float]]
    repeats: int
    threads: int
    torch: str
    cpu: str
    date: str = "unknown"


class Runs(Record):
    """Several measurements and their median."""

    median: float
    runs: list[float]


class TwoWorkers(Record):
    """Wall times of the driver and of plain loops side by side; efficiency: the median of loops over driver.

    fastest: the least time of the loops over the least of the driver.
    """

    driver_seconds: list[float]
    loops_seconds: list[float]
    efficiency: float
    fastest: float | None = None


class Sweep(Record):
    """results/bench-sweep.json."""

    recorded: Recorded | None = None
    cores: int | None
    blocks: int
    seconds: float
    repeats: int
    overhead: dict[str, Runs]
    per_block: float
    stored_bytes: dict[str, float]
    two_workers: TwoWorkers
