"""What the figure of the HTAD run is drawn from."""

from pathlib import Path

from paper_figs.figures import HTAD
from paper_figs.reading import gather
from tests.paper_figs.samples import RECORDED, plant, train


def test_the_shorter_run_is_told_beside_the_recorded_one(tmp_path: Path) -> None:
    plant(tmp_path, {"results/train/htad.json": train(2), "copies/train/htad.json": {"recorded": RECORDED, **train(5)}})
    data = gather(HTAD.sources, tmp_path / "results", tmp_path / "copies")
    assert "Open points: the 2 seeds of the run in results." in HTAD.caption(data)
    assert "5 paired seeds" in HTAD.caption(data)
    assert [source["from"] for source in data.as_json()] == ["paper_figs/data", "results"]
