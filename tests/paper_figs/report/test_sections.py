"""The pages on data sets, estimators and benchmarks: what is shown of the results, what is said of gaps."""

from pathlib import Path

import pytest

from paper_figs.reading import BadData
from paper_figs.report import write_report
from paper_figs.report.benchmarks import BENCHES
from tests.paper_figs.html_tree import Element
from tests.paper_figs.report.made import checked, comparison, designs, pages, sweep, whole, write
from tests.paper_figs.samples import RECORDED, plant, train, verdict

MARK = f"recorded on {RECORDED['date']}, commit {RECORDED['commit']}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Element]:
    return write(tmp_path_factory.mktemp("sections"), whole())


def table(root: Element, beginning: str) -> list[list[str]]:
    """The cells of the only table whose caption begins so, heading first."""
    (one,) = [item for item in root.all("table") if item.all("caption")[0].text.startswith(beginning)]
    return [[cell.text for cell in row.all("th", "td")] for row in one.all("tr")]


def report(folder: Path) -> dict[str, Element]:
    plant(folder, {"verdicts.json": [verdict()]})
    write_report(folder, folder / "report", None, copies=folder / "copies")
    return pages(folder / "report")


def test_a_comparison_is_shown_with_its_tuning_and_its_claim(found: dict[str, Element]) -> None:
    root = found["data.html"]
    rows = table(root, "accuracy on test less that of joint, this run: 95% intervals that hold for all 4 comparisons")
    assert rows[0] == ["method", "stepsize", "difference", "interval", "finding"]
    assert ["amss", "0.1", "+0.0000", "[-0.0200, +0.0200]", "no difference seen"] in rows
    assert ["my own.py:Method", "unknown", "+0.0100", "[-0.0100, +0.0300]", "no difference seen"] in rows
    tuning = table(root, "Tuning")
    assert tuning[:2] == [["method", "0.1", "0.3", "chosen"], ["joint", "0.8000", "diverged", "0.1 (at an end)"]]
    text = "accuracy 0.700 [0.600, 0.800]; joint less regression: difference +0.1000, bound none."
    assert f"Logistic regression on all features: {text}" in root.text
    assert "method amss, seed 2: loss must be finite" in root.text
    assert "asymptotic in the number of seeds" in root.text
    assert "python -m simulations compare smartwatch" in root.text
    place = "claim-open-rebalancing-helps-smartwatch"
    assert f"index.html#{place}" in {link.attributes["href"] for link in root.all("a")}
    (section,) = [s for s in found["index.html"].all("section") if s.attributes.get("data-status") == "REFUTED"]
    assert section.all("h3")[0].attributes["id"] == place
    assert "python -m simulations compare smartwatch" in section.text


def test_an_audited_claim_is_not_repeated_by_a_comparison(tmp_path: Path) -> None:
    both = verdict(id="open-rebalancing-helps-x")
    root = write(tmp_path, {"verdicts.json": [both], "compare/x.json": comparison("x")})["index.html"]
    assert [s.attributes["data-status"] for s in root.all("section") if "data-status" in s.attributes] == ["HOLDS"]


def test_a_training_run_is_shown_with_its_figures(found: dict[str, Element]) -> None:
    root = found["data.html"]
    assert "python -m simulations train htad" in root.text
    assert "99" in root.text
    assert "audio (3), accelerometer (2)" in root.text
    targets = {link.attributes["href"] for link in root.all("a")}
    assert {"figures.html#figure-htad", "figures.html#figure-comparison"} <= targets


def test_scores_of_other_tasks_are_shown_by_their_own_names(tmp_path: Path) -> None:
    values = train(1)
    interval = {"mean": 0.8, "low": None, "high": None, "n": 1}
    metrics = {"r2": interval, "rmse": interval, "alone_weather": interval, "validation": interval}
    values["summary"] |= {"primary": "r2", "methods": {"joint": metrics, "amss": metrics}}
    values["summary"]["difference_to_joint"] = {"amss": metrics}
    plant(tmp_path, {"train/bikes.json": values})
    root = report(tmp_path)["data.html"]
    assert table(root, "Test scores, this run: mean over one seed with 95% t-intervals") == [
        ["method", "R2", "rmse", "R2, less baseline"],
        ["jointwhole gradients", "0.800 (one seed)", "0.800 (one seed)", "reference"],
        ["amss0/1 mask", "0.800 (one seed)", "0.800 (one seed)", "+0.800 (one seed)"],
    ]
    assert table(root, "Modalities")[0] == ["method", "weather, alone"]


def test_both_versions_of_a_training_run_are_shown(tmp_path: Path) -> None:
    plant(tmp_path, {"copies/train/htad.json": {"recorded": RECORDED, **train(6)}, "train/htad.json": train()})
    root = report(tmp_path)["data.html"]
    captions = [item.all("caption")[0].text for item in root.all("table")]
    scores = [caption.split(":")[0] for caption in captions if caption.startswith("Test scores")]
    assert scores == ["Test scores, recorded on 2026-01-02", "Test scores, this run"]
    assert root.text.count(MARK) == 1
    assert "0.810 [0.700, 0.920]" in root.text


def test_recorded_numbers_are_marked_on_every_page(tmp_path: Path) -> None:
    files = {name: value for name, value in whole().items() if isinstance(value, dict)}
    kept = {f"copies/{name}": {"recorded": RECORDED, **value} for name, value in files.items()}
    plant(tmp_path, kept)
    shown = report(tmp_path)
    assert shown["data.html"].text.count(MARK) == 2
    assert shown["estimators.html"].text.count(MARK) == 1
    assert shown["benchmarks.html"].text.count(MARK) == 4


def test_gaps_name_the_command(tmp_path: Path) -> None:
    shown = report(tmp_path)
    assert "python -m simulations train htad" in shown["data.html"].text
    assert "None yet." in shown["estimators.html"].text
    assert "python -m amss_min check mine.py:estimate --json results/estimators/mine.json" in (
        shown["estimators.html"].text
    )
    for bench in BENCHES:
        assert f"it is made by: {bench.source.command}" in shown["benchmarks.html"].text


def test_a_check_is_shown_with_its_witness_and_what_repeats_it(tmp_path: Path) -> None:
    passed = {**checked("mine"), "status": "CONSISTENT", "witness": None, "violations": []}
    plant(tmp_path, {"estimators/a.json": passed, "estimators/b.json": checked("it's")})
    root = report(tmp_path)["estimators.html"]
    settings = "--alpha 1e-06 --detect 0.05 --seed 0 --draws 2000 --json results/estimators/a.json"
    assert f"python -m amss_min check FILE.py:mine {settings}" in root.text
    assert "python -m amss_min check --replay 'it'\"'\"'s.witness.json'" in root.text
    assert table(root, "mine by family")[1] == [
        "mine",
        "\N{BALLOT X} REFUTED",
        "mine",
        "1,000",
        "3",
        "0.5 [0.4, 0.6]",
        "infinite",
        "2 [1.9, infinite]",
        "1.5",
    ]
    assert [item.text for item in root.all("summary")] == ["Witness against it's"]


def test_what_the_command_check_writes_is_read(tmp_path: Path) -> None:
    from amss_min.__main__ import main

    mine = tmp_path / "mine.py"
    mine.write_text("def half(gradient, *, generator):\n    return gradient / 2\n")
    (tmp_path / "estimators").mkdir()
    target = tmp_path / "estimators" / "half.json"
    arguments = ["check", f"{mine}:half", "--draws", "20000", "--json", str(target)]
    assert main([*arguments, "--witness", str(tmp_path / "half.witness.json")]) == 1
    root = report(tmp_path)["estimators.html"]
    assert [item.text for item in root.all("h2")] == ["half"]
    assert "REFUTED" in root.text


def test_benchmarks_are_shown(found: dict[str, Element]) -> None:
    root = found["benchmarks.html"]
    assert ["engine, SGD", "4", "2"] in table(root, "One coordinate of one replicate in one step, float32")
    assert ["reference", "1000", "1100", "110"] in table(root, "One masked step on 1,000,000 parameters")
    assert table(root, "A draw of n / 4 of n units")[1:] == [
        ["TopK()", "1", "2"],
        ["Pareto()", "4", "beyond its limit"],
    ]
    assert ["two workers", "0.950", "of two loops side by side", "0.950"] in table(root, "Blocks of about 1 s")


@pytest.mark.parametrize(
    ("file", "value"),
    [
        ("estimators/x.json", {"status": "FINE"}),
        ("compare/x.json", []),
        ("train/x.json", {}),
        ("bench-designs.json", {**designs(), "sizes": []}),
        ("bench-sweep.json", {**sweep(), "overhead": 3}),
    ],
)
def test_a_file_that_cannot_be_used_is_named(file: str, value: object, tmp_path: Path) -> None:
    plant(tmp_path, {file: value})
    with pytest.raises(BadData, match=f"^results/{file} does not hold what it should: "):
        report(tmp_path)
    assert not (tmp_path / "report").exists()
