"""Made-up reports: all files that the report reads, in small, plain or with hostile text in every place for text."""

from pathlib import Path
from typing import Any

from paper_figs.figures import FIGURES
from paper_figs.reading import digest
from paper_figs.rendering import SUFFIXES
from paper_figs.report import write_report
from paper_figs.report.page import PAGES
from tests.paper_figs.drawn_samples import compared, engine_bench, step_bench
from tests.paper_figs.html_tree import Element, Tree
from tests.paper_figs.samples import everything, evidence, plant, train, verdict
from theory.claims import CLAIMS

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;$<script>$ $\\text{<script>}$"
NAME = "<script>alert(1)<script>"
"""Hostile, and fit for the name of a file."""

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcff9fa11e00077f027f"
    "d6c3bb980000000049454e44ae426082"
)
"""One pixel."""


def sidecar(name: str, title: str, sources: list[dict[str, Any]], text: str = HOSTILE) -> dict[str, Any]:
    """The provenance of a figure."""
    about = {"claims": [], "recorded": False, "sources": sources, "commit": None}
    return {"figure": name, "title": title, "caption": text, "alt": text, **about}


def write(folder: Path, files: dict[str, Any], built: bool = True, text: str = HOSTILE) -> dict[str, Element]:
    """A report on these files, with figures of one pixel; returns its pages by file."""
    plant(folder, files)
    for figure in FIGURES if built else ():
        there = [source for source in figure.sources if (folder / source.file).is_file()]
        sources = [
            {
                "file": source.file,
                "from": "results",
                "sha256": digest((folder / source.file).read_bytes()),
                "recorded": None,
                "command": source.command,
            }
            for source in there
        ]
        path = f"figures/{figure.name}"
        note = sidecar(figure.name, figure.title, sources, text)
        plant(folder, {f"{path}.json": note, **{f"{path}.{suffix}": PNG for suffix in SUFFIXES}})
    write_report(folder, folder / "report", "abc", copies=folder / "copies")
    return pages(folder / "report")


def pages(report: Path) -> dict[str, Element]:
    """The pages of a report, by file."""
    return {file: Tree((report / file).read_text(encoding="utf-8")).root for file, _ in PAGES}


def whole() -> dict[str, Any]:
    """All files that the report reads; a made-up verdict for every claim there is."""
    return {
        **everything(),
        "verdicts.json": real(),
        "compare/smartwatch.json": comparison("smartwatch"),
        "estimators/mine.json": checked(),
        "bench-engine.json": engine_bench(),
        "bench.json": step_bench(),
        "bench-designs.json": designs(),
        "bench-sweep.json": sweep(),
    }


def real() -> list[dict[str, Any]]:
    """A made-up verdict for every claim there is."""
    return [
        verdict(
            id=claim.id,
            statement=claim.statement,
            assumptions=[assumption.statement for assumption in claim.assumptions],
            kind=claim.kind.value,
            source=str(claim.source),
            status=claim.expected_status.value,
            expected_status=claim.expected_status.value,
        )
        for claim in CLAIMS
    ]


def comparison(name: str) -> dict[str, Any]:
    """compare/NAME.json as it is written: tuning, regression and the claim beside the differences."""
    values = compared(name)
    tuning = {method: {"scores": {"0.1": 0.8, "0.3": None}, "lr": 0.1, "edge": False} for method in values["methods"]}
    tuning["joint"]["edge"] = True
    values["summary"]["primary"] = "accuracy"
    values["paired"]["guarantee"] = "asymptotic in the number of seeds"
    for item in values["paired"]["differences"].values():
        item["finding"] = "no difference seen"
    interval = {"mean": 0.7, "low": 0.6, "high": 0.8, "n": 3}
    claim = verdict(id=f"open-rebalancing-helps-{name}", status="REFUTED", expected_status="INCONCLUSIVE")
    return {
        **values,
        "tuning": tuning,
        "logistic": {"accuracy": interval, "difference": 0.1, "lower_bound": None, "meaning": "joint less regression"},
        "claim": claim,
        "findings": [{"line": "method amss, seed 2: loss must be finite"}],
    }


def checked(text: str = "biased") -> dict[str, Any]:
    """estimators/NAME.json."""
    factor = {"factor": 2.0, "interval": [1.9, None], "optimum": 1.5, "expected_size": 6.0}
    family = {
        "family": text,
        "status": "REFUTED",
        "guarantee": text,
        "draws": 1000,
        "worst_unit": 3,
        "relative_bias": 0.5,
        "interval": [0.4, 0.6],
        "bias_at_most": None,
        "omega": factor,
    }
    return {
        "estimator": text,
        "status": "REFUTED",
        "guarantee": text,
        "text": text,
        "draws": 2000,
        "alpha": 1e-6,
        "detect": 0.05,
        "seed": 0,
        "seconds_per_draw": 1e-6,
        "families": [family],
        "violations": [{"family": text, "found": text}],
        "witness": {"file": f"{text}.witness.json", "estimator": text},
    }


def designs(text: str = "TopK()") -> dict[str, Any]:
    """bench-designs.json: a design that ends before the other."""
    about = {"repeats": 3, "threads": 1, "torch": text, "cpu": text, "date": "2026-01-02"}
    return {"sizes": [100, 1000], "seconds": {text: [0.001, 0.002], "Pareto()": [0.004]}, **about}


def sweep(text: str = "sleep") -> dict[str, Any]:
    """bench-sweep.json."""
    return {
        "cores": 2,
        "blocks": 12,
        "seconds": 1.0,
        "repeats": 1,
        "overhead": {text: {"median": 0.015, "runs": [0.015]}},
        "per_block": 0.002,
        "stored_bytes": {text: 1500.0},
        "two_workers": {"driver_seconds": [2.0], "loops_seconds": [1.9], "efficiency": 0.95},
    }


def hostile() -> dict[str, Any]:
    """All files that the report reads, with hostile text wherever text can stand, also in their names."""
    fields = ("id", "statement", "kind", "source", "scope", "guarantee")
    texts = ("what", "method", "guarantee", "expected", "measured", "tolerance", "tolerance_source", "scope")
    item = evidence(**dict.fromkeys(texts, HOSTILE), witness={HOSTILE: [HOSTILE]})
    bad = verdict(**dict.fromkeys(fields, HOSTILE), assumptions=[HOSTILE], evidence=[item])
    compared_badly = _hostile(comparison("x"))
    for method in compared_badly["tuning"].values():
        method["scores"] = {HOSTILE: None}
    compared_badly["paired"].update(baseline=HOSTILE, guarantee=HOSTILE)
    compared_badly["paired"]["differences"] = {HOSTILE: {"mean": 0.0, "low": None, "high": None, "finding": HOSTILE}}
    compared_badly["paired"]["differences"][HOSTILE]["values"] = [0.0]
    compared_badly["logistic"]["meaning"] = compared_badly["findings"][0]["line"] = HOSTILE
    compared_badly["claim"] = {**bad, "id": f"open-{HOSTILE}"}
    engine = {"seconds": {HOSTILE: {HOSTILE: 1.0}}, "device": HOSTILE, "torch": HOSTILE, "date": HOSTILE}
    return {
        **everything(),
        "verdicts.json": [bad, verdict(id=HOSTILE)],
        f"train/{NAME}.json": _hostile(train()),
        f"compare/{NAME}.json": compared_badly,
        f"estimators/{NAME}.json": checked(HOSTILE),
        "bench-engine.json": {**engine_bench(), **engine},
        "bench.json": {**step_bench(), "seconds": {HOSTILE: [1.0]}, "cpu": HOSTILE, "torch": HOSTILE, "date": HOSTILE},
        "bench-designs.json": designs(HOSTILE),
        "bench-sweep.json": sweep(HOSTILE),
    }


def _hostile(values: dict[str, Any]) -> dict[str, Any]:
    """A training run with hostile names and notes."""
    interval = values["summary"]["methods"]["joint"]["accuracy"]
    metrics = {HOSTILE: interval, f"alone_{HOSTILE}": interval}
    values["methods"] = {HOSTILE: HOSTILE}
    values["summary"].update(
        methods={HOSTILE: metrics}, difference_to_joint={HOSTILE: metrics}, assumption=HOSTILE, primary=HOSTILE
    )
    values["selection"] = values["scale"] = values["split"]["note"] = HOSTILE
    data = {"features": {HOSTILE: [1]}, "targets": [HOSTILE], "sha256": HOSTILE, "note": HOSTILE}
    values["data"].update(data, name=HOSTILE, task=HOSTILE, attribution=HOSTILE)
    return values
