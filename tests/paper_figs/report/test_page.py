"""The pages: everything from a file is escaped, everything they point to is there, and they need nothing else."""

import base64
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from amss_min.testing import Guarantee, Status
from paper_figs.figures import AMSS_FLOOR, FIGURES
from paper_figs.reading import BadData, MissingData, digest, gather
from paper_figs.rendering import SUFFIXES
from paper_figs.report import write_report
from paper_figs.report.claims import command
from paper_figs.report.markup import places
from paper_figs.report.mathematics import mathematics
from paper_figs.report.page import PAGES
from tests.paper_figs.html_tree import Element
from tests.paper_figs.report.made import HOSTILE, NAME, hostile, pages, sidecar, whole, write
from tests.paper_figs.samples import RECORDED, everything, evidence, plant, skewed, verdict
from theory.claims import CLAIMS
from theory.verdict import Kind

Report = tuple[Path, dict[str, Element]]
OWN_SCRIPT = (Path(__file__).parents[3] / "paper_figs" / "report" / "script.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("page")
    return folder, write(folder, whole())


def index(folder: Path, verdicts: list[dict[str, Any]], built: bool = True) -> Element:
    """The first page of a report on these verdicts."""
    return write(folder, {**everything(), "verdicts.json": verdicts}, built)["index.html"]


def check_references(folder: Path, found: dict[str, Element]) -> int:
    """Every link leads to a file of the report, and to a place on it where it names one; returns how many there are."""
    anchors = {file: [e.attributes["id"] for e in root.walk() if "id" in e.attributes] for file, root in found.items()}
    targets = 0
    for file, root in found.items():
        assert len(set(anchors[file])) == len(anchors[file])
        links = [element.attributes["href"] for element in root.all("a")]
        for target in (*links, *(element.attributes["src"] for element in root.all("img"))):
            path, _, place = target.partition("#")
            assert (folder / path).resolve().is_relative_to(folder.resolve())
            assert (folder / (path or file)).is_file()
            assert not place or place in anchors[path or file]
            targets += 1
    return targets


def test_every_reference_resolves_and_none_leaves_the_folder(report: Report) -> None:
    folder, found = report
    assert check_references(folder / "report", found) > 3 * len(CLAIMS)


def test_the_pages_ask_for_nothing_from_outside(report: Report) -> None:
    folder, found = report
    for file, root in found.items():
        text = (folder / "report" / file).read_text(encoding="utf-8")
        for outside in ("http:", "https:", "//", "@import", "url("):
            assert outside not in text
        assert root.all("iframe", "object", "embed", "base") == []
        assert [link.attributes["href"] for link in root.all("link")] == ["data:,"]
        loading = {"src", "srcset", "data", "poster", "action", "background", "style"}
        assert {element.tag for element in root.walk() if loading & set(element.attributes)} <= {"img"}


def test_the_policy_names_the_only_script_and_style_by_digest(report: Report) -> None:
    assert not re.search("</script|<!--", OWN_SCRIPT, re.IGNORECASE)
    for root in report[1].values():
        (script,), (style,) = root.all("script"), root.all("style")
        assert script.text == OWN_SCRIPT
        (policy,) = [m.attributes["content"] for m in root.all("meta") if m.attributes.get("http-equiv")]
        directives = dict(part.split(maxsplit=1) for part in policy.split("; "))
        for name, element in (("script-src", script), ("style-src", style)):
            digested = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
            assert directives.pop(name) == f"'sha256-{digested}'"
        nothing = dict.fromkeys(("default-src", "base-uri", "form-action"), "'none'")
        assert directives == {**nothing, "img-src": "'self' file: data:"}


def test_no_claim_of_the_suite_falls_back_to_source(report: Report) -> None:
    root = report[1]["index.html"]
    claims = [
        (claim.id, text) for claim in CLAIMS for text in (claim.statement, *(a.statement for a in claim.assumptions))
    ]
    for name, text in claims:
        assert text.count("$") % 2 == 0, name
        assert 'class="tex"' not in mathematics(text), f"{name}: {text}"
        assert mathematics(text).count("<math") == text.count("$") // 2
    (table,) = [item for item in root.all("table") if "verdicts" in item.attributes["class"]]
    formulas = sum(claim.statement.count("$") // 2 for claim in CLAIMS)
    assert len(table.all("math")) == formulas + 1  # and that of the comparison


def test_no_caption_falls_back_to_source(tmp_path: Path) -> None:
    plant(tmp_path, everything())
    for figure in FIGURES:
        try:
            caption = figure.caption(gather(figure.sources, tmp_path, tmp_path / "none", least=figure.least))
        except MissingData:
            continue
        assert caption.count("$") % 2 == 0
        assert 'class="tex"' not in mathematics(caption), figure.name


@pytest.mark.parametrize("file", [file for file, _ in PAGES])
def test_a_page_can_be_read_without_seeing_it(file: str, report: Report) -> None:
    root = report[1][file]
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
    for link in root.all("a", "button", "summary", "legend"):
        assert link.text.strip()
    labelled = [control for label in root.all("label") for control in label.all("input", "select")]
    assert labelled == root.all("input", "select")
    for nav in root.all("nav"):
        assert nav.attributes["aria-label"]
    (current,) = [link for link in root.all("a") if link.attributes.get("aria-current")]
    assert (current.attributes["href"], current.attributes["aria-current"]) == (file, "page")


def test_what_needs_the_script_is_hidden_without_it(report: Report) -> None:
    (form,) = report[1]["index.html"].all("form")
    assert "hidden" in form.attributes
    for root in report[1].values():
        (switch,) = [item for item in root.all("p") if item.attributes.get("class") == "switch"]
        assert "hidden" in switch.attributes
        hidden = [item for item in root.walk() if "hidden" in item.attributes]
        assert {item.tag for item in hidden} <= {"form", "p"}


def test_a_status_is_a_word(report: Report) -> None:
    root = report[1]["index.html"]
    badges = [item for item in root.all("span") if "status" in item.attributes.get("class", "").split()]
    assert len(badges) >= 3 * len(CLAIMS)
    for badge in badges:
        words = badge.text.split()
        assert words[-1] in ("HOLDS", "CONSISTENT", "INCONCLUSIVE", "REFUTED")
        assert badge.attributes["class"] == f"status {words[-1].lower()}"


def test_every_claim_has_its_section_with_what_the_reader_needs(report: Report) -> None:
    sections = [item for item in report[1]["index.html"].all("section") if item.attributes.get("class") == "claim"]
    found = {section.all("h3")[0].attributes["id"]: section for section in sections}
    assert len(sections) == len(found) == len(CLAIMS) + 1
    for claim in CLAIMS:
        section = found[f"claim-{claim.id}"]
        needed = (command(claim.id), str(claim.source), claim.kind.value, "3 instances", "exact rational arithmetic")
        for text in needed:
            assert text in section.text
        assert section.attributes["data-status"] == claim.expected_status.value
        assert section.attributes["data-kind"] == claim.kind.value
        shown = {figure.title for figure in FIGURES if claim.id in figure.claims}
        assert {link.text.split(". ")[1] for link in section.all("a")} == shown


def test_commands_repeat_with_the_right_part() -> None:
    assert command("ht-unbiased") == "python3 bootstrap.py run theory verify ht-unbiased"
    assert command("nonconvex-bound") == "python3 bootstrap.py run simulations audit nonconvex-bound"
    assert command("x; rm -rf y") == "python3 bootstrap.py run simulations audit 'x; rm -rf y'"


def test_text_from_files_stays_text(tmp_path: Path) -> None:
    found = write(tmp_path, hostile())
    least = {
        "index.html": 30,
        "figures.html": len(FIGURES),
        "data.html": 30,
        "estimators.html": 9,
        "benchmarks.html": 9,
    }
    for file, root in found.items():
        assert [script.text for script in root.all("script")] == [OWN_SCRIPT]
        assert not any(name.startswith("on") for element in root.walk() for name in element.attributes)
        pictures = {f"figures/{figure.name}.png" for figure in FIGURES}
        assert {image.attributes["src"] for image in root.all("img")} <= pictures
        assert root.text.count("<script>alert(1)</script>") >= least[file]
    assert NAME in found["data.html"].text
    check_references(tmp_path / "report", found)


def test_names_that_look_alike_have_places_of_their_own() -> None:
    found = places("claim", ("a-3", "a b", "a/b", "a-b", "a-b-2", "a", "a", "a"))
    assert len(set(found)) == 8
    assert all(place.replace("-", "").isalnum() for place in found)


def test_what_is_not_as_expected_is_said_first(tmp_path: Path) -> None:
    refuted = verdict(status="REFUTED", evidence=[evidence(status="REFUTED", witness={"seed": 17})])
    root = index(tmp_path, [verdict(id="fine"), refuted])
    assert "1 of 2 claims have the status" in root.text
    (notice,) = [item for item in root.all("div") if item.attributes.get("class") == "notice"]
    assert notice.text == "Not as expected:ht-unbiased: REFUTED, expected HOLDS"
    assert [json.loads(item.text) for item in root.all("pre")] == [{"seed": 17}]


def test_what_is_refuted_or_undecided_is_listed_before_the_table(tmp_path: Path) -> None:
    refuted = verdict(id="wrong", status="REFUTED", evidence=[evidence(status="REFUTED", witness={"seed": 17})])
    unsettled = verdict(id="open-question", status="INCONCLUSIVE")
    root = index(tmp_path, [verdict(id="plain-one"), refuted, unsettled])
    (overview,) = [item for item in root.all("section") if item.text.startswith("Overview")]
    assert "REFUTED wrong" in overview.text
    assert "INCONCLUSIVE open-question (an open question)" in overview.text
    assert "plain-one" not in overview.text


def test_a_reader_is_told_what_every_term_means(report: Report) -> None:
    root = report[1]["index.html"]
    terms = {item.text for item in root.all("dt")}
    assert {guarantee.value for guarantee in Guarantee} <= terms
    assert {kind.name for kind in Kind} <= terms
    assert all(any(status.name in term for term in terms) for status in Status)


def test_an_open_question_that_was_decided_is_no_surprise(report: Report) -> None:
    root = report[1]["index.html"]
    assert f"{len(CLAIMS)} of {len(CLAIMS)} claims have the status" in root.text
    assert "Open questions beside them, put to comparisons on data sets: 1." in root.text
    assert not any(item.attributes.get("class") == "notice" for item in root.all("div"))
    (row,) = [row for row in root.all("tr") if "open-rebalancing-helps-smartwatch" in row.text]
    assert [cell.text for cell in row.all("td") if cell.attributes["data-label"] == "expected"] == ["open"]


def test_figures_that_were_not_built_are_named(tmp_path: Path) -> None:
    found = write(tmp_path, {"verdicts.json": [verdict()]}, built=False)
    for root in found.values():
        assert root.all("img") == []
    for figure in FIGURES:
        assert f"python3 bootstrap.py run paper_figs build {figure.name}" in found["figures.html"].text
    notes = write_report(tmp_path, tmp_path / "report", None, copies=tmp_path / "copies").notes
    assert len(notes) == len(FIGURES)


def test_a_figure_drawn_from_other_data_is_marked(tmp_path: Path) -> None:
    index(tmp_path, [verdict()])
    changed = {**skewed(), "seed": 4}
    plant(tmp_path, {"experiments/skewed-noise-wrong-point.json": changed})
    written = write_report(tmp_path, tmp_path / "report", None, copies=tmp_path / "copies")
    (source,) = [source for source in AMSS_FLOOR.sources if "skewed" in source.file]
    others = [figure for figure in FIGURES if source.file in {one.file for one in figure.sources}]
    build = "was drawn from other data: python3 bootstrap.py run paper_figs build"
    assert written.notes == tuple(f"figure {figure.name} {build} {figure.name}" for figure in others)
    text = pages(tmp_path / "report")["figures.html"].text
    assert text.count("The data has changed since this figure was drawn.") == len(others)


def test_a_figure_drawn_from_recorded_data_says_so(tmp_path: Path) -> None:
    data = {"recorded": RECORDED, **skewed()}
    plant(tmp_path, {"copies/experiments/skewed-noise-wrong-point.json": data, "verdicts.json": [verdict()]})
    (source,) = [source for source in AMSS_FLOOR.sources if "skewed" in source.file]
    kept = gather((source,), tmp_path, tmp_path / "copies").as_json()
    elsewhere = {**kept[0], "from": str(tmp_path / "copies"), "recorded": None}
    note = sidecar(AMSS_FLOOR.name, AMSS_FLOOR.title, [*kept, elsewhere])
    plant(tmp_path, {f"figures/{AMSS_FLOOR.name}.{suffix}": b"" for suffix in SUFFIXES})
    plant(tmp_path, {f"figures/{AMSS_FLOOR.name}.json": note})
    written = write_report(tmp_path, tmp_path / "report", None, copies=tmp_path / "copies")
    assert not any("other data" in note for note in written.notes)
    (figure,) = pages(tmp_path / "report")["figures.html"].all("figure")
    mark = f"recorded on {RECORDED['date']}, commit {RECORDED['commit']}"
    assert figure.text.count(mark) == 1
    assert f"paper_figs/data/{source.file}" in figure.text


def test_the_verdicts_lie_beside_the_page(report: Report) -> None:
    folder, found = report
    content = (folder / "report" / "verdicts.json").read_bytes()
    assert content == (folder / "verdicts.json").read_bytes()
    assert digest(content) in found["index.html"].text


def test_a_second_report_is_the_same(report: Report, tmp_path: Path) -> None:
    folder, _ = report
    write_report(folder, tmp_path / "again", "abc", copies=folder / "copies")
    for path in (folder / "report").rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(folder / "report")).read_bytes() == path.read_bytes()


def test_verdicts_must_be_there_and_be_verdicts(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="it is made by: python -m simulations audit"):
        write_report(tmp_path, tmp_path / "report", None)
    for status in (3, "FINE"):
        plant(tmp_path, {"verdicts.json": [{**verdict(), "status": status}]})
        with pytest.raises(BadData, match=r"^results/verdicts.json does not hold what it should: 0.status"):
            write_report(tmp_path, tmp_path / "report", None)
    assert not (tmp_path / "report").exists()


def test_a_page_shows_hostile_text_of_an_exception_as_text(tmp_path: Path) -> None:
    broken = evidence(measured=f"ValueError: {HOSTILE}", status="INCONCLUSIVE")
    root = index(tmp_path, [verdict(status="INCONCLUSIVE", evidence=[broken])])
    assert f"ValueError: {HOSTILE}" in root.text
    assert len(root.all("script")) == 1
