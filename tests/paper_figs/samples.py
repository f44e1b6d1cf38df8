"""Small made-up results in the form of the real ones; the curves in them are the formulas themselves."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from theory import oracles
from theory.bounds import nonconvex_bound

METHODS = {"joint": "whole gradients", "uniform": "uniform mask", "amss": "0/1 mask", "amss+": "unbiased mask"}
MODALITIES = ("audio", "accelerometer")
RECORDED = {"commit": "0123456789abcdef0123456789abcdef01234567", "date": "2026-01-02"}


def run(
    method: str, noise: str, stepsize: float, average: Sequence[float], *, objective: str, **fields: Any
) -> dict[str, Any]:
    """One run of an experiment."""
    points = fields.pop("checkpoints", [8, 32, 128, 512])
    return {
        "objective": objective,
        "noise": noise,
        "method": method,
        "keep": 0.25,
        "stepsize": stepsize,
        "replicates": 64,
        "sigma2": 4.0,
        "L": 1.0,
        "checkpoints": points,
        "energy": list(average),
        "energy_error": [0.01] * len(points),
        "average": list(average),
        "average_error": [0.01] * len(points),
        "iterate": [[0.0, 0.0]] * len(points),
        "window": average[-1],
        "window_error": 0.001,
        "theory": {},
        **fields,
    }


def bound() -> dict[str, Any]:
    """experiments/nonconvex-bound.json: averages at 3/5 of the bound, on the quadratic at 99/100."""
    runs = []
    for noise in ("Gaussian, sigma2=4", "two-point, p=0.1, sigma2=4"):
        for method, off in (("uniform-ht", 0.0), ("amss+", 1e-11)):
            runs += [_bounded(method, noise, step * (1 - off), 0.6) for step in (0.25, 0.125, 0.0625)]
    quadratic = _bounded("uniform-ht", "Gaussian, sigma2=4", 0.25, 0.99, objective="isotropic quadratic, L=1, d=16")
    return {"name": "nonconvex-bound", "claim": "nonconvex-bound", "seed": 3, "runs": [*runs, quadratic]}


def oracle(averages: float = 1.0) -> dict[str, Any]:
    """experiments/quadratic-oracle.json: averages on the closed form, times a number."""
    points = [1, 2, 4, 8, 16]
    runs = []
    for stepsize in (0.04, 0.1, 0.2, 0.25):
        curve = oracles.average_energy(
            np.array(points, dtype=np.float64), start=2.0, L=1.0, stepsize=stepsize, factor=4.0, sigma2=4.0
        ).tolist()
        fields = {"objective": "isotropic quadratic, L=1, d=8", "checkpoints": points, "theory": {"average": curve}}
        measured = [averages * value for value in curve]
        runs.append(run("uniform-ht", "Gaussian, sigma2=4", stepsize, measured, **fields))
    return {"name": "quadratic-oracle", "claim": "quadratic-oracle", "seed": 3, "runs": runs}


def skewed(methods: Sequence[str] = ("amss", "amss+", "sgd")) -> dict[str, Any]:
    """experiments/skewed-noise-wrong-point.json: two stepsizes."""
    fields: dict[str, Any] = {"objective": "isotropic quadratic, L=1, d=2", "sigma2": 2.0, "checkpoints": [10, 20]}
    runs = []
    for stepsize in (0.05, 0.002):
        pairs = [*((name, "two-point, p=0.1, 0.5, sigma2=2") for name in methods), ("amss", "Gaussian, sigma2=2")]
        for method, noise in pairs:
            wrong = method == "amss" and noise.startswith("two")
            level, where = (0.16, -0.39) if wrong else (stepsize, 0.0)
            iterate = [[0.0, 0.0], [where, 0.0]]
            runs.append(run(method, noise, stepsize, [level, level], **{**fields, "iterate": iterate}))
    return {"name": "skewed-noise-wrong-point", "claim": "skewed-noise-wrong-point", "seed": 3, "runs": runs}


def train(seeds: int = 3, epochs: int = 4) -> dict[str, Any]:
    """train/htad.json."""
    runs = [
        _trained(method, seed, 0.8 + 0.01 * seed + 0.02 * i, epochs)
        for seed in range(seeds)
        for i, method in enumerate(METHODS)
    ]
    metrics = ("accuracy", "macro_f1", *(f"alone_{name}" for name in MODALITIES))
    interval = {"mean": 0.81, "low": 0.7, "high": 0.92, "deviation": 0.01, "n": seeds}
    return {
        "data": {
            "name": "htad",
            "rows": 99,
            "features": {"audio": [3], "accelerometer": [2]},
            "targets": ["a", "b"],
            "sha256": "0" * 64,
        },
        "settings": {"epochs": epochs, "lr": 0.01},
        "methods": METHODS,
        "selection": "best epoch on validation",
        "scale": "one lr",
        "split": {"note": "at random"},
        "runs": runs,
        "summary": {
            "confidence": 0.95,
            "assumption": "normal values",
            "methods": {method: dict.fromkeys(metrics, interval) for method in METHODS},
            "difference_to_joint": {
                method: dict.fromkeys(metrics, interval) for method in METHODS if method != "joint"
            },
        },
    }


def verdict(**fields: Any) -> dict[str, Any]:
    """One item of verdicts.json."""
    return {
        "id": "ht-unbiased",
        "statement": r"$E[M_j] = 1$.",
        "kind": "IDENTITY",
        "source": "published: somebody",
        "assumptions": [r"$\pi_j > 0$"],
        "status": "HOLDS",
        "expected_status": "HOLDS",
        "scope": "3 instances",
        "guarantee": "exact",
        "evidence": [evidence()],
        **fields,
    }


def evidence(**fields: Any) -> dict[str, Any]:
    """One piece of evidence."""
    return {
        "what": "the mean",
        "method": "exact rational arithmetic",
        "guarantee": "exact",
        "status": "HOLDS",
        "expected": 1.0,
        "measured": "1",
        "tolerance": None,
        "tolerance_source": "",
        "scope": "3 instances",
        "witness": None,
        "details": {},
        **fields,
    }


def plant(folder: Path, files: Mapping[str, Any]) -> None:
    """Write values as JSON files, by their paths in the folder; bytes as they are."""
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())


def everything() -> dict[str, Any]:
    """All files that figures read."""
    return {
        "experiments/nonconvex-bound.json": bound(),
        "experiments/quadratic-oracle.json": oracle(),
        "experiments/skewed-noise-wrong-point.json": skewed(),
        "train/htad.json": train(),
    }


def _bounded(method: str, noise: str, stepsize: float, share: float, objective: str = "two-block") -> dict[str, Any]:
    curve = nonconvex_bound(
        np.array([8.0, 32.0, 128.0, 512.0]), L=1.0, gap=3.0, stepsize=stepsize, factor=4.0, sigma2=4.0
    )
    average = (share * curve).tolist()
    return run(method, noise, stepsize, average, objective=objective, theory={"bound": curve.tolist()})


def _trained(method: str, seed: int, accuracy: float, epochs: int) -> dict[str, Any]:
    metrics = {"accuracy": accuracy, "macro_f1": accuracy}
    scores = {"metrics": metrics, "modality": dict.fromkeys(MODALITIES, accuracy / 2)}
    keep = [0.5 + 0.1 * math.sin(epoch + seed) for epoch in range(epochs)]
    names = ("keep", "information_rate", "validation_modality")
    history = {quantity: {name: keep for name in MODALITIES} for quantity in names}
    return {"method": method, "seed": seed, "best_epoch": 1, "test": scores, "history": history}
