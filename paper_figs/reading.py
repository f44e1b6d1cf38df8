"""Where the numbers of a figure come from: a file in results/, or else its committed copy in paper_figs/data/."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from paper_figs.records import Recorded

COPIES = Path(__file__).parent / "data"
"""The committed copies."""

T = TypeVar("T")


class MissingData(Exception):
    """There is neither a file in results/ nor a committed copy; the message names the command that makes it."""


class BadData(Exception):
    """A file is there, but it cannot be read or does not hold what it should; the message says what and where."""


@dataclass(frozen=True)
class Source(Generic[T]):
    """A file that a figure reads.

    file: its path inside results/; the committed copy has the same path in paper_figs/data/. schema: what it holds.
    command: what makes it. length: how long a run it is (seeds, say); the committed copy takes the place of a file in
    results/ only where it is longer. abridged: what of the file, in JSON types, goes into a committed copy.
    """

    file: str
    schema: type[T]
    command: str
    length: Callable[[T], int] = lambda value: 0
    abridged: Callable[[Any], dict[str, Any]] = dict


@dataclass(frozen=True)
class Found(Generic[T]):
    """The content of a file.

    place: "results", "paper_figs/data", or the folder that was asked for. recorded: the note of a committed copy.
    """

    source: Source[T]
    place: str
    sha256: str
    value: T
    recorded: Recorded | None

    def as_json(self) -> dict[str, Any]:
        """As it stands in a sidecar."""
        return {
            "file": self.source.file,
            "from": self.place,
            "sha256": self.sha256,
            "recorded": self.recorded.model_dump() if self.recorded else None,
            "command": self.source.command,
        }


class Data:
    """What the sources of a figure hold."""

    def __init__(
        self,
        found: Mapping[str, Sequence[Found[Any]]],
        missing: Sequence[Source[Any]] = (),
        label: str = "results",
        overlays: Sequence["Data"] = (),
    ) -> None:
        """found: file -> its versions, the one to draw first. missing: sources without any. label: the folder or
        folders.

        overlays: the same sources from further folders, drawn over this. All of them have the same `runs`, the first
        and its overlays, so that what one run alone holds gets the same place in every drawing.
        """
        self._found = found
        self.missing, self.label, self.overlays = tuple(missing), label, tuple(overlays)
        self.runs: tuple[Data, ...] = (self, *self.overlays)
        for overlay in self.overlays:
            overlay.runs = self.runs

    def __getitem__(self, source: Source[T]) -> Found[T]:
        """The version to draw."""
        return self._found[source.file][0]

    def get(self, source: Source[T]) -> Found[T] | None:
        """The version to draw, None for a source that is missing."""
        versions = self._found.get(source.file)
        return versions[0] if versions else None

    def shared(self, source: Source[Any]) -> bool:
        """Whether an overlay lacks the file and holds that of the first run, which is drawn already."""
        return self is not self.runs[0] and self.get(source) is self.runs[0].get(source)

    def other(self, source: Source[T]) -> Found[T] | None:
        """A shorter run in results/ beside the committed copy that is drawn, where there is one."""
        versions = self._found.get(source.file, ())
        return versions[1] if len(versions) > 1 else None

    @property
    def sources(self) -> tuple[Source[Any], ...]:
        """The sources that are there, in their order."""
        return tuple(versions[0].source for versions in self._found.values())

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """The notes of the committed copies that are drawn."""
        return tuple(versions[0].recorded for versions in self._found.values() if versions[0].recorded)

    def as_json(self) -> list[dict[str, Any]]:
        """Every version, as in a sidecar; a file that an overlay shares is named once."""
        items = [found.as_json() for versions in self._found.values() for found in versions]
        for overlay in self.overlays:
            items += [item for item in overlay.as_json() if item not in items]
        return items


def gather(
    sources: Sequence[Source[Any]],
    results: Path | Sequence[Path],
    copies: Path = COPIES,
    *,
    least: int | None = None,
) -> Data:
    """Read the sources. Raises MissingData or BadData.

    results: a folder, where a longer committed copy takes the place of a shorter run; or folders that were asked for,
    the first to draw and the others to draw over it: there a committed copy stands in only for what they all lack.
    least: how many of the sources must be there; all of them for None.
    """
    overlays: list[Data] = []
    if isinstance(results, Path):
        found, missing = _tried(sources, lambda source: versions(source, results, copies))
        label = "results"
    else:
        found, missing = _tried(sources, lambda source: [_first(source, results, copies)])
        label = " and ".join(dict.fromkeys(one[0].place for one in found.values())) or str(results[0])
        for folder in results[1:]:
            own = {
                source.file: [one] for source in sources if (one := _read(source, folder / source.file, str(folder)))
            }
            if any(own.get(file, versions) != versions for file, versions in found.items()):
                overlays.append(Data({**found, **own}, label=str(folder)))
    if missing and len(found) < (len(sources) if least is None else least):
        raise MissingData("; ".join(str(problem) for problem in missing.values()))
    return Data(found, [source for source in sources if source.file in missing], label, overlays)


def _tried(
    sources: Sequence[Source[Any]], read: Callable[[Source[Any]], list[Found[Any]]]
) -> tuple[dict[str, list[Found[Any]]], dict[str, MissingData]]:
    found, missing = {}, {}
    for source in sources:
        try:
            found[source.file] = read(source)
        except MissingData as problem:
            missing[source.file] = problem
    return found, missing


def _first(source: Source[T], folders: Sequence[Path], copies: Path) -> Found[T]:
    """The file in the first folder that has it, or else the committed copy."""
    for folder in folders:
        if one := _read(source, folder / source.file, str(folder)):
            return one
    return versions(source, folders[0], copies)[0]


def versions(source: Source[T], results: Path, copies: Path = COPIES) -> list[Found[T]]:
    """The version to draw; after a committed copy that is longer than the run in results, that run.

    Raises MissingData where there is none, BadData for a file that cannot be used.
    """
    fresh = _read(source, results / source.file, "results")
    kept = _read(source, copies / source.file, "paper_figs/data")
    if kept is not None and kept.recorded is None:
        raise BadData(f"paper_figs/data/{source.file} must say when it was recorded, found no such note")
    if kept is not None and (fresh is None or source.length(kept.value) > source.length(fresh.value)):
        return [kept] if fresh is None else [kept, fresh]
    if fresh is None:
        raise MissingData(f"{source.file} is neither in {results}/ nor recorded; it is made by: {source.command}")
    return [fresh]


def parse(schema: Any, content: bytes, shown: str) -> Any:
    """JSON as a checked type; raises BadData, in one line that names the place in the file."""
    try:
        return TypeAdapter(schema).validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadData(f"{shown} does not hold what it should: {place}: {first['msg']}") from error


def digest(content: bytes) -> str:
    """SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _read(source: Source[T], path: Path, place: str) -> Found[T] | None:
    shown = f"{place}/{source.file}"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadData(f"{shown} cannot be read: {error.strerror or error}") from error
    value: T = parse(source.schema, content, shown)
    return Found(source, place, digest(content), value, getattr(value, "recorded", None))
