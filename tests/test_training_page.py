"""The page on training does what it prints: its data set, its method and its configuration run as they stand."""

import json
import re
from pathlib import Path

import pytest

from simulations.__main__ import main
from simulations.multimodal.settings import read_settings

PAGE = (Path(__file__).parent.parent / "docs" / "training.md").read_text(encoding="utf-8")
QUICK = ["--set", "training.epochs=2", "--set", "workers=1", "--seeds", "2"]


def block(kind: str, containing: str) -> str:
    (found,) = [text for text in re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) if containing in text]
    return str(found)


def test_the_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(block("toml", "poisson"), encoding="utf-8")
    settings = read_settings(path)
    assert settings.method("poisson")[1].model_dump()["design"] == "poisson"
    short = [
        "--seeds",
        "1",
        "--set",
        "training.epochs=1",
        "--set",
        "methods=joint,poisson",
        "--set",
        "training.batch=512",
    ]
    assert main(["train", str(path), *short, "--set", "workers=1", "--results", str(tmp_path)]) == 0
    runs = json.loads((tmp_path / "train" / "smartwatch.json").read_text(encoding="utf-8"))["runs"]
    assert [run["method"] for run in runs] == ["joint", "poisson"]


def test_the_data_set_and_the_method_are_compared_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    method = block("python", "class EqualLengths")
    assert len(method.splitlines()) < 40
    (tmp_path / "halves.py").write_text(block("python", "def halves"), encoding="utf-8")
    (tmp_path / "equal_lengths.py").write_text(method, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["train", "halves.py:halves", *QUICK]) == 0
    assert (
        main(["compare", "halves.py:halves", *QUICK, "--set", "compare.methods=joint,equal_lengths.py:EqualLengths"])
        == 0
    )
    assert "equal_lengths.py:EqualLengths" in capsys.readouterr().out
    found = json.loads(Path("results/compare/halves-halves.json").read_text(encoding="utf-8"))
    assert len(found["paired"]["differences"]["equal_lengths.py:EqualLengths"]["values"]) == 2
