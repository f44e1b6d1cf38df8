"""The figures of a report: copied beside the page, checked against the data that is there now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from paper_figs.figure import Figure
from paper_figs.figures import FIGURES
from paper_figs.files import write_bytes
from paper_figs.reading import COPIES, digest, parse
from paper_figs.records import Provenance, SourceNote
from paper_figs.rendering import SUFFIXES
from paper_figs.report.markup import Html, join, tag
from paper_figs.report.mathematics import mathematics
from paper_figs.report.stored import mark

FOLDER = "figures"
"""Inside results, and inside the folder of the report."""

PAGE = "figures.html"
"""The page that shows them."""

_SUFFIXES = (*SUFFIXES, "json")
_LINKS = {"pdf": "PDF", "svg": "SVG", "csv": "drawn numbers", "tex": "LaTeX", "md": "Markdown", "json": "provenance"}


@dataclass(frozen=True)
class Picture:
    """A figure with its number; provenance is None where it was not built, stale where its data has changed since."""

    figure: Figure
    number: int
    provenance: Provenance | None
    stale: bool = False

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"figure-{self.figure.name.replace('_', '-')}"

    @property
    def command(self) -> str:
        """What builds it."""
        return f"python3 bootstrap.py run paper_figs build {self.figure.name}"

    def file(self, suffix: str = "png") -> str:
        """Its file, relative to the page."""
        return f"{FOLDER}/{self.figure.name}.{suffix}"


def pictures(results: Path, copies: Path = COPIES) -> tuple[Picture, ...]:
    """Every figure, in order, as it lies in results. Raises BadData for a sidecar that does not hold what it should."""
    return tuple(_picture(figure, number, results, copies) for number, figure in enumerate(FIGURES, start=1))


def copy(picture: Picture, results: Path, out: Path) -> None:
    """Put the files of a figure beside the page. Raises OSError."""
    for suffix in _SUFFIXES if picture.provenance else ():
        write_bytes(out / picture.file(suffix), (results / picture.file(suffix)).read_bytes())


def section(found: tuple[Picture, ...], places: Mapping[str, str]) -> Html:
    """All figures with captions. places: the claims of the first page, id -> place."""
    return tag("section", *(_shown(picture, places) for picture in found))


def thumbnails(found: Sequence[Picture]) -> Html:
    """Small pictures of these figures, linked to the large ones; nothing for none."""
    items = [tag("li", _thumbnail(picture)) for picture in found]
    return tag("ul", *items, class_="thumbs") if items else Html()


def _picture(figure: Figure, number: int, results: Path, copies: Path) -> Picture:
    files = [results / FOLDER / f"{figure.name}.{suffix}" for suffix in _SUFFIXES]
    if not all(path.is_file() for path in files):
        return Picture(figure, number, None)
    provenance: Provenance = parse(Provenance, files[-1].read_bytes(), f"{FOLDER}/{figure.name}.json")
    stale = False
    for source in provenance.sources:
        path = _folder(source, results, copies) / source.file
        stale |= not path.is_file() or digest(path.read_bytes()) != source.sha256
    return Picture(figure, number, provenance, stale)


def _folder(source: SourceNote, results: Path, copies: Path) -> Path:
    known = {"results": results, "paper_figs/data": copies}
    return known.get(source.place, Path(source.place))


def _shown(picture: Picture, places: Mapping[str, str]) -> Html:
    title = tag("h2", f"Figure {picture.number}. {picture.figure.title}", id=picture.anchor)
    note = picture.provenance
    if note is None:
        return join((title, tag("p", "Not built. To build it: ", tag("code", picture.command))))
    named = (
        tag("a", claim, href=f"index.html#{places[claim]}") if claim in places else claim
        for claim in picture.figure.claims
    )
    claims = join(named, ", ")
    sources = join(map(_source, note.sources), "; ")
    links = (tag("a", name, href=picture.file(suffix)) for suffix, name in _LINKS.items())
    parts = [
        tag("p", mathematics(note.caption)),
        tag("p", "Illustrates: ", claims, class_="note") if claims else "",
        tag("p", "Drawn from: ", sources or "formulas alone", f"; commit {note.commit or 'unknown'}.", class_="note"),
        tag("p", "Draw it again: ", tag("code", picture.command), class_="note"),
        tag("p", join(links, " ")),
    ]
    if picture.stale:
        warning = "The data has changed since this figure was drawn. To draw it again: "
        parts.insert(0, tag("p", warning, tag("code", picture.command), class_="notice"))
    image = tag("img", src=picture.file(), alt=note.alt)
    return tag("figure", title, image, tag("figcaption", *parts))


def _source(source: SourceNote) -> Html:
    shown = tag("code", f"{source.place}/{source.file}")
    parts = (shown, " (", tag("code", source.command), ")", *((", ", mark(source.recorded)) if source.recorded else ()))
    return join(parts)


def _thumbnail(picture: Picture) -> Html:
    name = f"Figure {picture.number}. {picture.figure.title}"
    image = tag("img", src=picture.file(), alt="") if picture.provenance else ""
    return tag("a", image, name, href=f"{PAGE}#{picture.anchor}")
