"""Which file a figure is drawn from, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from paper_figs.reading import COPIES, BadData, MissingData, Source, digest, gather, versions
from paper_figs.records import Experiment, Train
from tests.paper_figs.samples import RECORDED, oracle, plant, train

EXPERIMENT = Source("experiments/quadratic-oracle.json", Experiment, "make it")
TRAIN = Source("train/htad.json", Train, "train it", length=lambda value: value.seeds)


def copied(value: dict[str, Any]) -> dict[str, Any]:
    return {"recorded": RECORDED, **value}


def test_a_file_in_results_comes_first(tmp_path: Path) -> None:
    plant(tmp_path / "results", {EXPERIMENT.file: oracle()})
    plant(tmp_path / "copies", {EXPERIMENT.file: copied(oracle())})
    data = gather([EXPERIMENT], tmp_path / "results", tmp_path / "copies")
    assert data[EXPERIMENT].place == "results"
    assert data[EXPERIMENT].sha256 == digest((tmp_path / "results" / EXPERIMENT.file).read_bytes())
    assert data.recorded == ()
    assert data.other(EXPERIMENT) is None
    assert [item["from"] for item in data.as_json()] == ["results"]


def test_the_copy_takes_the_place_of_a_missing_file(tmp_path: Path) -> None:
    plant(tmp_path / "copies", {EXPERIMENT.file: copied(oracle())})
    data = gather([EXPERIMENT], tmp_path / "results", tmp_path / "copies")
    assert data[EXPERIMENT].place == "paper_figs/data"
    assert [note.model_dump() for note in data.recorded] == [RECORDED]


@pytest.mark.parametrize(("fresh", "kept", "drawn"), [(2, 5, 5), (5, 5, 5), (7, 5, 7)])
def test_a_longer_copy_is_drawn_and_the_shorter_run_kept_beside(
    tmp_path: Path, fresh: int, kept: int, drawn: int
) -> None:
    plant(tmp_path / "results", {TRAIN.file: train(fresh)})
    plant(tmp_path / "copies", {TRAIN.file: copied(train(kept))})
    data = gather([TRAIN], tmp_path / "results", tmp_path / "copies")
    assert data[TRAIN].value.seeds == drawn
    assert bool(data.recorded) == (kept > fresh)
    assert len(data.as_json()) == 1 + (kept > fresh)
    beside = data.other(TRAIN)
    assert (beside.value.seeds if beside else None) == (fresh if kept > fresh else None)


def test_missing_data_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="it is made by: make it"):
        versions(EXPERIMENT, tmp_path, tmp_path)


def without(value: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != key}


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"{", "the file: Invalid JSON"),
        (b"\xff\xfe", "the file: Invalid JSON"),
        (b"[]", "the file: Input should be an object"),
        (without(oracle(), "runs"), "runs: Field required"),
        ({**oracle(), "runs": []}, "runs: List should have at least 1 item"),
        ({**oracle(), "seed": "many"}, "seed: Input should be a valid integer"),
        ({**oracle(), "runs": [without(oracle()["runs"][0], "L")]}, "runs.0.L: Field required"),
        ({**oracle(), "runs": [{**oracle()["runs"][0], "average": [1.0]}]}, "average must have one value a checkpoint"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path: Path, content: Any, finding: str) -> None:
    plant(tmp_path, {EXPERIMENT.file: content})
    with pytest.raises(BadData) as caught:
        versions(EXPERIMENT, tmp_path, tmp_path / "none")
    message = str(caught.value)
    assert finding in message
    assert message.startswith(f"results/{EXPERIMENT.file} does not hold what it should: ")
    assert "\n" not in message


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / EXPERIMENT.file).mkdir(parents=True)
    with pytest.raises(BadData, match=r"cannot be read: Is a directory"):
        versions(EXPERIMENT, tmp_path, tmp_path / "none")


def test_a_copy_must_say_when_it_was_recorded(tmp_path: Path) -> None:
    plant(tmp_path, {EXPERIMENT.file: oracle()})
    with pytest.raises(BadData, match="must say when it was recorded"):
        versions(EXPERIMENT, tmp_path / "none", tmp_path)


def test_a_number_that_was_not_finite_is_read(tmp_path: Path) -> None:
    value = oracle()
    value["runs"][0]["average"][-1] = None
    plant(tmp_path, {EXPERIMENT.file: value})
    read = versions(EXPERIMENT, tmp_path, tmp_path / "none")[0].value.runs[0].average[-1]
    assert read != read


def test_every_committed_copy_is_what_a_figure_or_the_report_reads() -> None:
    from paper_figs.figures import FIGURES
    from paper_figs.report.benchmarks import BENCHES

    sources = {bench.source.file: bench.source for bench in BENCHES}
    sources |= {source.file: source for figure in FIGURES for source in figure.sources}
    committed = {path.relative_to(COPIES).as_posix() for path in COPIES.rglob("*.json")}
    assert committed
    assert committed <= set(sources)
    for file in committed:
        assert versions(sources[file], Path("no such folder"))[0].recorded is not None


def test_folders_that_were_asked_for_come_before_copies_and_lie_over_each_other(tmp_path: Path) -> None:
    plant(tmp_path / "a", {TRAIN.file: train(2)})
    plant(tmp_path / "b", {TRAIN.file: train(3)})
    plant(tmp_path / "copies", {TRAIN.file: copied(train(9)), EXPERIMENT.file: copied(oracle())})
    folders = [tmp_path / "a", tmp_path / "b", tmp_path / "none"]
    data = gather([TRAIN, EXPERIMENT], folders, tmp_path / "copies")
    assert (data[TRAIN].value.seeds, data[TRAIN].place) == (2, str(folders[0]))
    assert data[EXPERIMENT].place == "paper_figs/data"
    (over,) = data.overlays
    assert (over.label, over[TRAIN].value.seeds, over[EXPERIMENT].place) == (str(folders[1]), 3, "paper_figs/data")
    assert [item["from"] for item in data.as_json()] == [str(folders[0]), "paper_figs/data", str(folders[1])]


def test_a_figure_may_do_with_some_of_its_sources(tmp_path: Path) -> None:
    plant(tmp_path, {TRAIN.file: train()})
    data = gather([TRAIN, EXPERIMENT], tmp_path, tmp_path / "none", least=1)
    assert data.get(TRAIN) is not None
    assert data.get(EXPERIMENT) is None
    assert data.missing == (EXPERIMENT,)
    with pytest.raises(MissingData, match=r"it is made by: make it$"):
        gather([TRAIN, EXPERIMENT], tmp_path, tmp_path / "none")
    with pytest.raises(MissingData, match=r"it is made by: train it; .* it is made by: make it"):
        gather([TRAIN, EXPERIMENT], tmp_path / "none", tmp_path / "none", least=1)
