"""Which Chromium the tests use, and what they say where there is none."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.paper_figs.report.chromium import NoChromium, executable


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, and nothing asked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("AMSS_MIN_CHROMIUM", raising=False)
    monkeypatch.delenv("AMSS_MIN_INSTALL_CHROMIUM", raising=False)
    return tmp_path


def program(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_without_one_the_reader_is_told_what_helps(bare: Path) -> None:
    with pytest.raises(NoChromium, match=r"no chromium or .* or let the tests try with AMSS_MIN_INSTALL_CHROMIUM=1"):
        executable()


def test_the_named_one_is_used_or_refused(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMSS_MIN_CHROMIUM", str(bare / "none"))
    with pytest.raises(NoChromium, match=r"must name a program, found '.*none', which is none"):
        executable()
    own = program(bare, "mine")
    monkeypatch.setenv("AMSS_MIN_CHROMIUM", own)
    assert executable() == own


def test_nothing_is_installed_unasked_or_without_the_means(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMSS_MIN_INSTALL_CHROMIUM", "1")
    with pytest.raises(NoChromium, match="needs apt-get and root"):
        executable()
    program(bare, "apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NoChromium, match="needs apt-get and root"):
        executable()


def test_it_is_installed_where_that_is_asked_for(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def installed(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        calls.append(arguments)
        if "install" in arguments:
            program(bare, "chromium")
        return subprocess.CompletedProcess(arguments, 0)

    monkeypatch.setenv("AMSS_MIN_INSTALL_CHROMIUM", "1")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", installed)
    program(bare, "apt-get")
    assert executable() == str(bare / "chromium")
    assert calls[-1] == ["apt-get", "-q", "install", "-y", "--no-install-recommends", "chromium"]
    assert executable() == str(bare / "chromium")
    assert len(calls) == 2


def test_an_installation_that_failed_is_told_in_its_own_words(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMSS_MIN_INSTALL_CHROMIUM", "1")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    failed = subprocess.CompletedProcess([], 100, stderr="one\nE: no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    program(bare, "apt-get")
    with pytest.raises(NoChromium, match="apt-get update ended with 100: E: no network"):
        executable()
