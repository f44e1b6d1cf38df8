"""The page: everything from a file is escaped, everything it points to is there, and it needs nothing else."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from paper_figs.figures import AMSS_FLOOR, FIGURES
from paper_figs.reading import BadData, MissingData, digest, gather
from paper_figs.report import write_report
from paper_figs.report.claims import anchors, command
from paper_figs.report.mathematics import mathematics
from tests.paper_figs.html_tree import Element, Tree
from tests.paper_figs.samples import RECORDED, everything, evidence, plant, skewed, train, verdict
from theory.claims import CLAIMS

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;$<script>$ $\\text{<script>}$"
PNG = bytes.fromhex("89504e470d0a1a0a")


def sidecar(name: str, title: str, sources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "figure": name,
        "title": title,
        "caption": HOSTILE,
        "alt": HOSTILE,
        "claims": [],
        "recorded": False,
        "sources": sources,
        "commit": None,
    }


def write(folder: Path, verdicts: list[dict[str, Any]], built: bool = True) -> Element:
    """A report on these verdicts, with figures that are placeholders; returns the page."""
    plant(folder, {**everything(), "verdicts.json": verdicts})
    for figure in FIGURES if built else ():
        sources = gather(figure.sources, folder, folder / "copies").as_json()
        note = sidecar(figure.name, figure.title, sources)
        path = f"figures/{figure.name}"
        plant(folder, {f"{path}.json": note, f"{path}.png": PNG, f"{path}.pdf": b"%PDF"})
    write_report(folder, folder / "report", "abc", copies=folder / "copies")
    return Tree((folder / "report" / "index.html").read_text(encoding="utf-8")).root


def real() -> list[dict[str, Any]]:
    """A made-up verdict for every claim there is."""
    return [
        verdict(
            id=claim.id,
            statement=claim.statement,
            assumptions=[assumption.statement for assumption in claim.assumptions],
            kind=claim.kind.value,
            source=str(claim.source),
            status=claim.expected_status.value,
            expected_status=claim.expected_status.value,
        )
        for claim in CLAIMS
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Element]:
    folder = tmp_path_factory.mktemp("page")
    return folder, write(folder, real())


def test_every_reference_resolves_and_none_leaves_the_folder(page: tuple[Path, Element]) -> None:
    folder, root = page
    places = [element.attributes["id"] for element in root.walk() if "id" in element.attributes]
    assert len(set(places)) == len(places)
    targets = [element.attributes["href"] for element in root.all("a")]
    targets += [element.attributes["src"] for element in root.all("img")]
    assert len(targets) > len(CLAIMS)
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in places
        else:
            assert (folder / "report" / target).resolve().is_relative_to((folder / "report").resolve())
            assert (folder / "report" / target).is_file()


def test_the_page_asks_for_nothing_from_outside(page: tuple[Path, Element]) -> None:
    folder, root = page
    text = (folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "//" not in text
    assert "@import" not in text
    assert "url(" not in text
    assert root.all("script", "link", "iframe", "object", "embed", "form", "base") == []
    loading = {"src", "srcset", "data", "poster", "action", "background", "style"}
    assert {element.tag for element in root.walk() if loading & set(element.attributes)} == {"img"}
    (policy,) = [m.attributes["content"] for m in root.all("meta") if m.attributes.get("http-equiv")]
    assert policy.startswith("default-src 'none';")


def test_no_claim_of_the_suite_falls_back_to_source(page: tuple[Path, Element]) -> None:
    _, root = page
    claims = [
        (claim.id, text) for claim in CLAIMS for text in (claim.statement, *(a.statement for a in claim.assumptions))
    ]
    for name, text in claims:
        assert text.count("$") % 2 == 0, name
        assert 'class="tex"' not in mathematics(text), f"{name}: {text}"
        assert mathematics(text).count("<math") == text.count("$") // 2
    (table,) = [item for item in root.all("table") if "verdicts" in item.attributes["class"]]
    assert len(table.all("math")) == sum(claim.statement.count("$") // 2 for claim in CLAIMS)


def test_no_caption_falls_back_to_source(tmp_path: Path) -> None:
    plant(tmp_path, everything())
    for figure in FIGURES:
        caption = figure.caption(gather(figure.sources, tmp_path, tmp_path / "none"))
        assert caption.count("$") % 2 == 0
        assert 'class="tex"' not in mathematics(caption), figure.name


def test_the_page_can_be_read_without_seeing_it(page: tuple[Path, Element]) -> None:
    _, root = page
    (html,) = root.all("html")
    assert html.attributes["lang"] == "en"
    assert len(root.all("main")) == len(root.all("h1")) == len(root.all("title")) == 1
    levels = [int(element.tag[1]) for element in root.walk() if element.tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for image in root.all("img"):
        assert "alt" in image.attributes
    assert all(image.attributes["alt"] for figure in root.all("figure") for image in figure.all("img"))
    for table in root.all("table"):
        assert table.all("caption")
        columns = [cell for cell in table.all("th") if cell.attributes["scope"] == "col"]
        rows = table.all("tbody")[0].all("tr")
        assert rows
        for row in rows:
            assert len(row.all("th", "td")) == len(columns)
            assert [cell.attributes["scope"] for cell in row.all("th")] == ["row"]
    for link in root.all("a"):
        assert link.text.strip()


def test_a_status_is_a_word(page: tuple[Path, Element]) -> None:
    _, root = page
    badges = [item for item in root.all("span") if "status" in item.attributes.get("class", "").split()]
    assert len(badges) >= 3 * len(CLAIMS)
    for badge in badges:
        words = badge.text.split()
        assert words[-1] in ("HOLDS", "CONSISTENT", "INCONCLUSIVE", "REFUTED")
        assert badge.attributes["class"] == f"status {words[-1].lower()}"


def test_every_claim_has_its_section_with_what_the_reader_needs(page: tuple[Path, Element]) -> None:
    _, root = page
    for claim in CLAIMS:
        (section,) = [
            item
            for item in root.all("section")
            if any(h.attributes["id"] == f"claim-{claim.id}" for h in item.all("h3")) and len(item.all("h3")) == 1
        ]
        for needed in (
            command(claim.id),
            str(claim.source),
            claim.kind.value,
            "3 instances",
            "exact rational arithmetic",
        ):
            assert needed in section.text
        shown = {figure.title for figure in FIGURES if claim.id in figure.claims}
        assert {link.text.split(". ")[1] for link in section.all("a")} == shown


def test_commands_repeat_with_the_right_part() -> None:
    assert command("ht-unbiased") == "python3 bootstrap.py run theory verify ht-unbiased"
    assert command("nonconvex-bound") == "python3 bootstrap.py run simulations audit nonconvex-bound"
    assert command("x; rm -rf y") == "python3 bootstrap.py run simulations audit 'x; rm -rf y'"


def test_text_from_files_stays_text(tmp_path: Path) -> None:
    fields = ("id", "statement", "kind", "source", "scope", "guarantee")
    texts = ("what", "method", "guarantee", "expected", "measured", "tolerance", "tolerance_source", "scope")
    item = evidence(**dict.fromkeys(texts, HOSTILE), witness={HOSTILE: [HOSTILE]})
    hostile = verdict(**dict.fromkeys(fields, HOSTILE), assumptions=[HOSTILE], evidence=[item])
    run = train()
    run["methods"] = {HOSTILE: HOSTILE}
    run["summary"]["methods"] = {HOSTILE: run["summary"]["methods"]["joint"]}
    run["summary"]["assumption"] = run["selection"] = run["scale"] = run["split"]["note"] = HOSTILE
    run["data"]["features"] = {HOSTILE: 1}
    write(tmp_path, [hostile, verdict(id=HOSTILE)])
    plant(tmp_path, {"train/htad.json": run})
    write_report(tmp_path, tmp_path / "report", HOSTILE, copies=tmp_path / "copies")
    root = Tree((tmp_path / "report" / "index.html").read_text(encoding="utf-8")).root
    assert root.all("script") == []
    assert not any(name.startswith("on") for element in root.walk() for name in element.attributes)
    assert {image.attributes["src"] for image in root.all("img")} == {
        f"figures/{figure.name}.png" for figure in FIGURES
    }
    assert root.text.count("<script>alert(1)</script>") > 30
    places = [element.attributes["id"] for element in root.walk() if "id" in element.attributes]
    assert len(set(places)) == len(places)
    for link in root.all("a"):
        target = link.attributes["href"]
        assert target[1:] in places if target.startswith("#") else (tmp_path / "report" / target).is_file()


def test_claims_whose_names_look_alike_have_places_of_their_own() -> None:
    from paper_figs.records import Verdict

    found = anchors([Verdict.model_validate(verdict(id=name)) for name in ("a b", "a/b", "a-b", "a b")])
    assert len(set(found)) == 4
    assert all(place.replace("-", "").isalnum() for place in found)


def test_what_is_not_as_expected_is_said_first(tmp_path: Path) -> None:
    refuted = verdict(status="REFUTED", evidence=[evidence(status="REFUTED", witness={"seed": 17})])
    root = write(tmp_path, [verdict(id="fine"), refuted])
    assert "1 of 2 claims have the status" in root.text
    (notice,) = [item for item in root.all("div") if item.attributes.get("class") == "notice"]
    assert notice.text == "Not as expected:ht-unbiased: REFUTED, expected HOLDS"
    assert [json.loads(item.text) for item in root.all("pre")] == [{"seed": 17}]


def test_figures_that_were_not_built_are_named(tmp_path: Path) -> None:
    root = write(tmp_path, [verdict()], built=False)
    assert root.all("img") == []
    for figure in FIGURES:
        assert f"python3 bootstrap.py run paper_figs build {figure.name}" in root.text
    notes = write_report(tmp_path, tmp_path / "report", None, copies=tmp_path / "copies").notes
    assert len(notes) == len(FIGURES)


def test_a_figure_drawn_from_other_data_is_marked(tmp_path: Path) -> None:
    write(tmp_path, [verdict()])
    changed = {**skewed(), "seed": 4}
    plant(tmp_path, {"experiments/skewed-noise-wrong-point.json": changed})
    written = write_report(tmp_path, tmp_path / "report", None, copies=tmp_path / "copies")
    assert written.notes == (
        f"figure {AMSS_FLOOR.name} was drawn from other data: python3 bootstrap.py run paper_figs build amss_floor",
    )
    assert "The data has changed since this figure was drawn." in (tmp_path / "report" / "index.html").read_text()


def test_both_versions_of_the_training_run_are_shown(tmp_path: Path) -> None:
    plant(tmp_path / "copies", {"htad.json": {"recorded": RECORDED, **train(6)}})
    root = write(tmp_path, [verdict()])
    captions = [table.all("caption")[0].text for table in root.all("table")]
    scores = [caption.split(":")[0] for caption in captions if caption.startswith("Test scores")]
    assert scores == ["Test scores, recorded on 2026-01-02", "Test scores, this run"]
    assert "doi:10.1007/978-3-030-67835-7_17" in root.text
    assert "0.810 [0.700, 0.920]" in root.text


def test_without_a_training_run_the_command_is_named(tmp_path: Path) -> None:
    plant(tmp_path, {"verdicts.json": [verdict()]})
    write_report(tmp_path, tmp_path / "report", None, copies=tmp_path / "copies")
    assert "it is made by: python -m simulations train htad" in (tmp_path / "report" / "index.html").read_text()


def test_the_verdicts_lie_beside_the_page(page: tuple[Path, Element]) -> None:
    folder, root = page
    content = (folder / "report" / "verdicts.json").read_bytes()
    assert content == (folder / "verdicts.json").read_bytes()
    assert digest(content) in root.text


def test_a_second_report_is_the_same(tmp_path: Path) -> None:
    write(tmp_path, real())
    first = (tmp_path / "report" / "index.html").read_bytes()
    write_report(tmp_path, tmp_path / "again", "abc", copies=tmp_path / "copies")
    assert (tmp_path / "again" / "index.html").read_bytes() == first


def test_verdicts_must_be_there_and_be_verdicts(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="it is made by: python -m simulations audit"):
        write_report(tmp_path, tmp_path / "report", None)
    for status in (3, "FINE"):
        plant(tmp_path, {"verdicts.json": [{**verdict(), "status": status}]})
        with pytest.raises(BadData, match=r"^results/verdicts.json does not hold what it should: 0.status"):
            write_report(tmp_path, tmp_path / "report", None)
    assert not (tmp_path / "report").exists()
