"""What the figure of the HTAD run is drawn from."""

from pathlib import Path

import pytest

from paper_figs.figures import HTAD, htad
from paper_figs.reading import gather
from paper_figs.records import Train
from tests.paper_figs.samples import RECORDED, plant, train


def test_keep_fractions_need_seeds_of_one_length() -> None:
    uneven = train()
    uneven["runs"][0]["history"] = {"keep": {name: [0.5] for name in ("audio", "accelerometer")}}
    assert htad.keeps(Train.model_validate(train()), "amss", "audio").shape == (3, 4)
    with pytest.raises(ValueError, match="the same number of epochs"):
        htad.keeps(Train.model_validate(uneven), "joint", "audio")


def test_the_shorter_run_is_told_beside_the_recorded_one(tmp_path: Path) -> None:
    plant(tmp_path, {"results/train/htad.json": train(2), "copies/train/htad.json": {"recorded": RECORDED, **train(5)}})
    data = gather(HTAD.sources, tmp_path / "results", tmp_path / "copies")
    assert "Open points: the 2 seeds of the run in results." in HTAD.caption(data)
    assert "5 paired seeds" in HTAD.caption(data)
    assert [source["from"] for source in data.as_json()] == ["paper_figs/data", "results"]
