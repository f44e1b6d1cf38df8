"""From raw files to a comparison: a folder in the layout of CREMA-D, made here."""

import json
from pathlib import Path

import pytest

from simulations.__main__ import main
from tests.simulations.multimodal.data.raw_folders import crema_d, truncate

SMALL = ["--set", "model.encoders.default={kind='cnn2d', options={widths=[4]}}", "--set", "training.epochs=1"]
QUICK = [*SMALL, "--set", "workers=1", "--seeds", "2"]


def test_a_raw_folder_goes_through_prepare_train_and_compare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = crema_d(Path("raw"))
    assert main(["prepare", "crema-d", str(raw), "made", "--set", "size=16"]) == 0
    assert main(["train", "made", "--set", "methods=joint,amss+", *QUICK]) == 0
    assert main(["compare", "made", "--set", "compare.methods=joint,amss+", *QUICK, "--set", "compare.lrs=[0.01]"]) == 0
    found = json.loads(Path("results/compare/made.json").read_text(encoding="utf-8"))
    assert found["data"]["groups"] == 5 and "people" in found["split"]["note"]
    assert list(found["paired"]["differences"]) == ["amss+"]
    assert "audio" in capsys.readouterr().out


def test_broken_raw_files_are_all_named_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = crema_d(tmp_path / "raw")
    wav = raw / "AudioWAV" / "1002_IEO_SAD_XX.wav"
    truncate(wav)
    gone = raw / "Image-01-FPS" / "1004_DFA_ANG_XX"
    for frame in gone.iterdir():
        frame.unlink()
    gone.rmdir()
    assert main(["prepare", "crema-d", str(raw), str(tmp_path / "made")]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "1002_IEO_SAD_XX.wav" in told and "1004_DFA_ANG_XX" in told
    assert not (tmp_path / "made").exists()
