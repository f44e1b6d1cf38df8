"""CITATION.cff and CHANGELOG.md: that tools can read them, and that they agree with pyproject.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    """What CITATION.cff holds."""
    yaml: Any = pytest.importorskip("yaml")
    found: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return found


def test_the_required_keys_of_cff_are_there(citation: dict[str, Any]) -> None:
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    for key in ("message", "title", "abstract"):
        assert isinstance(citation[key], str) and citation[key].strip()


def test_it_agrees_with_the_project(citation: dict[str, Any]) -> None:
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == PROJECT["authors"]
    assert citation["keywords"] == PROJECT["keywords"]
    assert citation["title"].startswith(PROJECT["name"])


def test_the_paper_of_the_method_is_referred_to(citation: dict[str, Any]) -> None:
    (paper,) = citation["references"]
    assert paper["type"] == "article" and paper["title"] and paper["authors"] and paper["year"] == 2025
    assert paper["identifiers"][0]["value"] == "arXiv:2404.08347"
    assert "2404.08347" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert text.startswith("# Changelog\n") and "keepachangelog.com/en/1.1.0" in text
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", section) for section in sections[1:])
    kinds = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert kinds and set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for package in ("amss_min", "theory", "simulations", "paper_figs"):
        assert f"#### `{package}`" in text
