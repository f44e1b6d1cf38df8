"""The page on studies: its study is read as it stands, and its commands exist."""

import re
from pathlib import Path

import pytest

from simulations.__main__ import main

PAGE = (Path(__file__).parent.parent / "docs" / "scale.md").read_text(encoding="utf-8")


def test_the_study_of_the_page_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (study,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "my-study.toml"
    path.write_text(study, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", str(path), "--dry-run"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    # Two methods, four stepsizes, two keep fractions; 512 replicates in blocks of 256.
    assert "cells │ 16" in shown and "blocks │ 32" in shown


def test_the_shipped_studies_are_those_named() -> None:
    named = re.search(r"Shipped studies: (.*?)\. A study", PAGE, re.DOTALL)
    assert named is not None
    folder = Path(__file__).parent.parent / "simulations" / "studies"
    assert set(re.findall(r"`([a-z-]+)`", named[1])) == {path.stem for path in folder.glob("*.toml")}
