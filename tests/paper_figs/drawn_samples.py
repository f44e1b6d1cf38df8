"""Made-up results for the figures that read more than `samples.everything`: all that the figures draw, in small."""

from typing import Any

import numpy as np

from paper_figs.audited import BOUNDS, SOLVED
from paper_figs.figures.comparison import NAMES
from tests.paper_figs.samples import MODALITIES, everything, evidence, run, train, verdict
from theory import momentum

CHECKPOINTS = [25, 100]


def complete() -> dict[str, Any]:
    """All files that figures read, by their paths in results."""
    return {
        **everything(),
        "verdicts.json": audit(),
        "experiments/momentum-energy.json": averaged(),
        "experiments/amss-diverges.json": diverging(),
        "experiments/released-weights-settle.json": released(),
        "sweeps/phase-diagram.json": phase(),
        "diagnosed/train/htad.json": diagnosed(),
        "bench-engine.json": engine_bench(),
        "bench.json": step_bench(),
        **{f"compare/{name}.json": compared(name) for name in NAMES},
    }


def audit() -> list[dict[str, Any]]:
    """verdicts.json: bounds at 1/2, a solver that is off by 1e-9, and a claim that no figure draws."""
    found = [verdict(id=claim, evidence=[bounded("amss+"), bounded("uniform-ht")]) for claim in BOUNDS]
    rows = {"n = 2, T = 1": {"solver": 2.0 + 2e-9, "closed form": 2.0}, "T = 2": {"solver": 1.5, "closed form": 1.4999}}
    found += [verdict(id=claim, evidence=[evidence(details={"rows": rows})]) for claim in SOLVED]
    return [*found, verdict()]


def bounded(method: str) -> dict[str, Any]:
    """Evidence on a bound."""
    details = {
        "horizons": [4, 16, 64],
        "measured": [4.0, 2.0, 1.0],
        "bound": [8.0, 4.0, 2.0],
        "tightness": [0.5, 0.5, 0.5],
        "upper limit over bound": [0.6, 0.6, 0.6],
        "refuted part of the bound": [0.4, 0.4, 0.4],
    }
    return evidence(what=f"F(w_4) - F*: {method}, Gaussian, sigma2=4, stepsize 0.1", details=details)


def averaged() -> dict[str, Any]:
    """experiments/momentum-energy.json: on the recursion."""
    runs = []
    for method, rule in (("sgd", momentum.before), ("uniform-ht", momentum.before), ("uniform-ht", momentum.after)):
        step = rule(L=1.0, stepsize=0.02, beta=0.9, factor=1.0 if method == "sgd" else 4.0, sigma2=1.0)
        moments, curve = (0.0, 0.0, 0.0), []
        for t in range(1, CHECKPOINTS[-1] + 1):
            moments = step.after_step(moments)
            curve += [moments[0]] if t in CHECKPOINTS else []
        fields: dict[str, Any] = {
            "objective": "isotropic quadratic, L=1, d=8",
            "sigma2": 1.0,
            "checkpoints": CHECKPOINTS,
        }
        runs.append(run(method, "Gaussian, sigma2=1", 0.02, curve, **fields, theory={"energy": curve}))
        runs[-1]["energy_error"] = [1e-4, 1e-4]
    return {"name": "momentum-energy", "claim": "momentum-energy", "seed": 3, "runs": runs}


def diverging() -> dict[str, Any]:
    """experiments/amss-diverges.json: noise without a bound on its variance."""
    runs = []
    for method, exponent in (("amss", 2.0), ("amss+", -3.7)):
        for stepsize in (4e-4, 2e-4):
            curve = [40.0, 40.0 * float(np.exp(0.8 * exponent))]
            fields = {
                "objective": "interpolating least squares",
                "checkpoints": [round(t / stepsize) for t in (0.1, 0.5)],
            }
            runs.append(run(method, "independent terms, N=3", stepsize, curve, **fields, theory={"exponent": exponent}))
            runs[-1].update(sigma2=None, keep=1 / 3)
    return {"name": "amss-diverges", "claim": "amss-diverges", "seed": 3, "runs": runs}


def released() -> dict[str, Any]:
    """experiments/released-weights-settle.json."""
    fields: dict[str, Any] = {"objective": "isotropic quadratic, L=1, d=2", "sigma2": 2.0, "checkpoints": [10, 20]}
    places = [[-0.1, 0.0], [-0.24, 0.0]]
    runs = [run("released", "two-point, p=0.1, 0.5, sigma2=2", 0.01, [0.1, 0.1], **fields, iterate=places)]
    return {"name": "released-weights-settle", "claim": "released-weights-settle", "seed": 3, "runs": runs}


def phase() -> dict[str, Any]:
    """sweeps/phase-diagram.json: two imbalances; AMSS settles closer for symmetric noise."""
    points = [
        {
            "imbalance": imbalance,
            "keep": [keep, 1 - keep],
            "p": p,
            "stepsize": 0.1,
            "replicates": 64,
            "log_ratio": None if (imbalance, keep, p) == (16.0, 0.25, 0.5) else 1 - 4 * p,
            "log_ratio_error": 0.01,
            "predicted_log_ratio": 1 - 4 * p,
        }
        for imbalance in (1.0, 16.0)
        for keep in (0.25, 0.5, 0.75)
        for p in (0.02, 0.1, 0.5)
    ]
    return {"study": "phase-diagram", "points": points}


def compared(name: str) -> dict[str, Any]:
    """compare/NAME.json."""
    values = train()
    values["data"]["name"] = name
    rows = {
        method: {
            "mean": mean,
            "low": mean - 0.02,
            "high": mean + 0.02,
            "n": 3,
            "values": [mean - 0.01, mean, mean + 0.01],
        }
        for method, mean in (("uniform", -0.03), ("amss", 0.0), ("amss+", 0.03), ("my own.py:Method", 0.01))
    }
    paired = {"baseline": "joint", "seeds": [0, 1, 2], "left_out": [], "confidence": 0.95, "differences": rows}
    return {**values, "paired": paired}


def diagnosed() -> dict[str, Any]:
    """diagnosed/train/htad.json: two methods; one tensor of which nothing can be told, one floor that has no bound."""
    values = train(1)
    chosen = [one for one in values["runs"] if one["method"] in ("amss", "amss+")]
    for one in chosen:
        epochs = {"1": _checkpoint(one["method"], 1.0), "2": _checkpoint(one["method"], 0.5)}
        one["diagnosis"] = epochs
    return {**values, "runs": chosen}


def _checkpoint(method: str, scale: float) -> dict[str, Any]:
    entry = {
        "units": 8,
        "gradient_squared": 0.1 * scale,
        "omega": {"mean": _estimate(-0.1 if method == "amss" else 0.9), "largest": 1.0},
        "left_out": {"norm": _estimate(0.1), "share": _estimate(0.3)},
        "bias": {"squared": _estimate(0.01 * scale), "limit": 0.1},
        "floor": {"case": "self-importance", "formula": "", "bound": _estimate(0.05), "mean_field": None},
        "step": {"rule": "lr", "value": 0.005},
    }
    tensors = {"audio: 0.weight": entry, "frozen": {"reason": "the parameter is frozen"}}
    record = {"lr": 0.01, "batch": 4, "rows": 60, "minibatches": 15, "tensors": tensors, "network": entry}
    return {**record, "keep": {name: {"mean": 0.5} for name in MODALITIES}}


def _estimate(value: float) -> dict[str, float]:
    return {"value": value, "standard_error": 0.001}


def engine_bench() -> dict[str, Any]:
    """bench-engine.json."""
    times = {"normal numbers: the limit": 2e-9, "engine, SGD": 4e-9, "NumPy loop, uniform, fixed order": 1e-7}
    about = {"d": 100, "replicates": 1000, "keep": 0.25, "repeats": 5, "threads": 1, "device": "a CPU", "torch": "2.0"}
    return {"seconds": {"float32": times, "float64": times}, **about}


def step_bench() -> dict[str, Any]:
    """bench.json."""
    times = {"reference": [1.0, 1.2], "fast path": [0.02, 0.03], "two-pass limit": [0.01, 0.01]}
    return {"seconds": times, "parameters": 10**6, "keep": 0.5, "threads": 1, "torch": "2.0", "cpu": "a CPU"}
