"""The page on speed: the engine, the masked step, sampling designs and sweeps, as `simulations bench` wrote them."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_figs.figures.speed import LIMIT, TWO_PASSES
from paper_figs.reading import Found, MissingData, Source, versions
from paper_figs.report.markup import Html, table, tag
from paper_figs.report.pictures import Picture, thumbnails
from paper_figs.report.schemas import Designs, Engine, Pairs, Step, Sweep
from paper_figs.report.stored import origin, when

_BENCH = "python -m simulations bench"


@dataclass(frozen=True)
class Bench:
    """A benchmark: its place and name on the page, its file, and how it is shown."""

    place: str
    name: str
    source: Source[Any]
    shown: Callable[[Found[Any]], Sequence[Html]]


def sections(results: Path, copies: Path, found: Sequence[Picture]) -> tuple[Html, ...]:
    """One section a benchmark, or the command that runs it. Raises BadData."""
    return tuple(_section(bench, results, copies, found) for bench in BENCHES)


def _section(bench: Bench, results: Path, copies: Path, found: Sequence[Picture]) -> Html:
    title = tag("h2", bench.name, id=bench.place)
    try:
        kept = versions(bench.source, results, copies)
    except MissingData as error:
        return tag("section", title, tag("p", f"No run: {error}."))
    drawn = [
        picture
        for picture in found
        if picture.provenance and any(source.file == bench.source.file for source in picture.provenance.sources)
    ]
    parts = [part for version in kept for part in (*bench.shown(version), origin(version))]
    return tag("section", title, thumbnails(drawn), *parts)


def _engine(found: Found[Engine]) -> list[Html]:
    value = found.value
    where = f"{value.device}, torch {value.torch}, threads: {value.threads}, best of {value.repeats}, {value.date}"
    parts = []
    for kind, times in value.seconds.items():
        limit = times.get(LIMIT)
        rows = [
            (way, f"{1e9 * seconds:.4g}", "unknown" if limit is None else f"{seconds / limit:.3g}")
            for way, seconds in times.items()
        ]
        caption = f"One coordinate of one replicate in one step, {kind}, {when(found.recorded)}: {where}"
        headings = ("way", "nanoseconds", "over drawing the noise alone")
        parts.append(table(caption, headings, rows, "stack numbers"))
    return parts


def _step(found: Found[Step]) -> list[Html]:
    value = found.value
    limit = value.seconds.get(TWO_PASSES)
    rows = []
    for way, times in value.seconds.items():
        cells = [f"{1e3 * min(times):.4g}", f"{1e3 * statistics.median(times):.4g}"]
        paired = limit is not None and len(limit) == len(times)
        ratios = [mine / least for mine, least in zip(times, limit or [], strict=False)]
        rows.append((way, *cells, f"{statistics.median(ratios):.3g}" if paired else "unknown"))
    caption = (
        f"One masked step on {value.parameters:,} parameters, keep {value.keep:g}, {when(found.recorded)}: "
        f"{value.cpu}, torch {value.torch}, threads: {value.threads}, {value.date}"
    )
    headings = ("way", "shortest, ms", "median, ms", "median ratio to two passes")
    return [table(caption, headings, rows, "stack numbers")]


def _pairs(found: Found[Pairs]) -> list[Html]:
    pairs = found.value.pairs
    shortest = {name: {way: min(times) for way, times in pair.seconds.items()} for name, pair in pairs.items()}
    ways = dict.fromkeys(way for times in shortest.values() for way in times)
    rows = [(way, *(_beside_limit(times, way) for times in shortest.values())) for way in ways]
    first = next(iter(pairs.values()))
    caption = (
        f"One masked step, keep {first.keep:g}: shortest time in ms, and over that of two passes, "
        f"{when(found.recorded)}: {first.cpu}, torch {first.torch}, threads: {first.threads}, {first.date}"
    )
    return [table(caption, ("way", *pairs), rows, "stack numbers")]


def _beside_limit(shortest: Mapping[str, float], way: str) -> str:
    if way not in shortest:
        return "not timed"
    limit = shortest.get(TWO_PASSES)
    return f"{1e3 * shortest[way]:.4g} ({'unknown' if limit is None else f'{shortest[way] / limit:.2f}'})"


def _designs(found: Found[Designs]) -> list[Html]:
    value = found.value
    rows = []
    for design, times in value.seconds.items():
        cells = [f"{1e3 * seconds:.3g}" for seconds in times[: len(value.sizes)]]
        rows.append((design, *cells, *["beyond its limit"] * (len(value.sizes) - len(cells))))
    caption = (
        f"A draw of n / 4 of n units with its realised inclusion probabilities, in ms, {when(found.recorded)}: "
        f"shortest of {value.repeats}, threads: {value.threads}, {value.cpu}, torch {value.torch}, {value.date}"
    )
    headings = ("design", *(f"n = {n:,}" for n in value.sizes))
    return [table(caption, headings, rows, "stack numbers")]


def _sweep(found: Found[Sweep]) -> list[Html]:
    value = found.value
    rows = [
        (
            f"overhead, kind {name}, one worker",
            f"{item.median:.2%}",
            "of the time inside blocks",
            ", ".join(f"{run:.2%}" for run in item.runs),
        )
        for name, item in value.overhead.items()
    ]
    two = value.two_workers
    ratios = ", ".join(f"{a / b:.3f}" for a, b in zip(two.loops_seconds, two.driver_seconds, strict=False) if b)
    rows += [
        ("two workers", f"{two.efficiency:.3f}", "of two loops side by side", ratios),
        ("a block of no work", f"{1e3 * value.per_block:.2f} ms", "of wall time, one worker", ""),
    ]
    if two.fastest is not None:
        rows.append(("two workers, fastest runs", f"{two.fastest:.3f}", "of two loops side by side", ""))
    rows += [
        (f"store, kind {name}", f"{size / 1e3:.1f} kB", "a block", "") for name, size in value.stored_bytes.items()
    ]
    caption = (
        f"Blocks of about {value.seconds:g} s, {value.blocks} a measurement, {when(found.recorded)}: "
        f"{value.cores or 'unknown'} cores"
    )
    return [table(caption, ("what", "median", "of", "runs"), rows, "stack numbers")]


def _pairs_source(device: str) -> Source[Pairs]:
    option = "" if device == "cpu" else f" --device {device}"
    return Source(f"bench-step-{device}.json", Pairs, f"{_BENCH} --masked-step{option}")


BENCHES = (
    Bench("engine", "Simulation engine", Source("bench-engine.json", Engine, _BENCH), _engine),
    Bench(
        "engine-cuda",
        "Simulation engine on a GPU",
        Source("bench-engine-cuda.json", Engine, f"{_BENCH} --device cuda"),
        _engine,
    ),
    Bench("step", "Masked step of training", Source("bench.json", Step, f"{_BENCH} --masked-step"), _step),
    Bench("pairs", "Masked step on a CPU, by models", _pairs_source("cpu"), _pairs),
    Bench("pairs-cuda", "Masked step on a GPU, by models", _pairs_source("cuda"), _pairs),
    Bench("designs", "Sampling designs", Source("bench-designs.json", Designs, f"{_BENCH} --designs"), _designs),
    Bench("sweep", "Sweeps", Source("bench-sweep.json", Sweep, f"{_BENCH} --sweep"), _sweep),
)
"""Every benchmark, in the order of the page."""

CONTENTS = tuple((bench.place, bench.name) for bench in BENCHES)
