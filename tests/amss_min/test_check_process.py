"""`python -m amss_min check` as a process of its own, and with its defaults on plain Python estimators."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

THEIRS = """
import time
from pathlib import Path

import torch


def kept(gradient, pi, generator):
    return gradient * (torch.rand(len(gradient), generator=generator) < pi).unsqueeze(1) / pi


def low(gradient, *, generator):
    return gradient / 2


def slow(gradient, *, generator):
    Path("started").touch()
    time.sleep(0.01)
    return gradient


def tenth(gradient, *, generator):
    return kept(gradient, 0.1, generator)


def largest_unit(gradient, *, generator):
    result = kept(gradient, 0.5, generator)
    result[gradient.norm(dim=1).argmax()] *= 1.08
    return result


def by_sign(gradient, *, generator):
    return torch.where(gradient > 0, 1.1, 1.0) * kept(gradient, 0.5, generator)


def with_ties(gradient, *, generator):
    norms = gradient.norm(dim=1)
    tied = (norms.unsqueeze(0) == norms.unsqueeze(1)).sum(1) > 1
    return torch.where(tied, 0.9, 1.0).unsqueeze(1) * kept(gradient, 0.5, generator)


def with_zeros(gradient, *, generator):
    share = (gradient.norm(dim=1) > 0).double().mean()
    return kept(gradient, 0.5, generator) / share


def in_place(gradient, *, generator):
    return gradient.mul_(2 * (torch.rand(len(gradient), 1, generator=generator) < 0.5))


def heavy(gradient, *, generator):
    return gradient * (torch.rand(*gradient.shape[:2], 1, generator=generator) < 0.01) * 100


def unit_off_by_two_percent(gradient, *, generator):
    result = gradient * (torch.rand(*gradient.shape[:2], 1, generator=generator) < 0.5) * 2
    result[:, 7] *= 1.02
    return result
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of estimators."""
    (tmp_path / "theirs.py").write_text(THEIRS, encoding="utf-8")
    return tmp_path


def command(name: str, *options: str) -> list[str]:
    return [
        sys.executable,
        "-W",
        "error",
        "-m",
        "amss_min",
        "check",
        f"theirs.py:{name}",
        *options,
        "--json",
        "out.json",
    ]


def run(folder: Path, name: str, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code of a check and what it stored."""
    done = subprocess.run(
        command(name, *options), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    record: dict[str, Any] = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    assert done.stdout.splitlines()[0] == f"{name}: {record['status']}"
    return done.returncode, record


def test_a_process_ends_with_the_exit_code_and_writes_its_witness(folder: Path) -> None:
    code, record = run(folder, "low", "--draws", "20000")
    assert (code, record["status"]) == (1, "REFUTED")
    assert json.loads((folder / "low.witness.json").read_text(encoding="utf-8"))["format"] == 1


def test_ctrl_c_ends_a_process_with_130_and_a_word(folder: Path) -> None:
    with subprocess.Popen(
        command("slow"), cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        limit = time.monotonic() + 120
        while not (folder / "started").exists() and process.poll() is None and time.monotonic() < limit:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert err.strip().splitlines()[-1] == "interrupted: nothing was written"
    assert "Traceback" not in err and not (folder / "out.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "code", "status"),
    [
        ("tenth", 0, "CONSISTENT"),
        ("largest_unit", 1, "REFUTED"),
        ("by_sign", 1, "REFUTED"),
        ("with_ties", 1, "REFUTED"),
        ("with_zeros", 1, "REFUTED"),
        ("in_place", 1, "REFUTED"),
    ],
)
def test_the_defaults_decide_about_a_plain_estimator(folder: Path, name: str, code: int, status: str) -> None:
    """12 units at inclusions of at least 0.1. The draws are as many as fit into --seconds, whatever the machine."""
    found, record = run(folder, name)
    assert (found, record["status"]) == (code, status), record["text"]
    assert bool(record["violations"]) == (name == "in_place")


@pytest.mark.slow
def test_a_heavy_tail_with_a_declared_omega_takes_draws(folder: Path) -> None:
    options = ("--batched", "--omega", "99", "--detect", "0.2")
    assert run(folder, "heavy", *options, "--draws", "50000")[0] == 3
    code, record = run(folder, "heavy", *options, "--draws", "4000000")
    assert (code, record["guarantee"]) == (0, "variance-bounded")


@pytest.mark.slow
def test_two_percent_in_one_unit_are_found_with_defaults(folder: Path) -> None:
    code, record = run(folder, "unit_off_by_two_percent", "--batched")
    assert (code, record["worst_unit"]) == (1, 7)
    low, high = record["interval"]
    assert 0 < low <= 0.02 <= high
